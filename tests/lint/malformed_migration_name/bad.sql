-- file: sql/migrations/clinic/add-pets.sql
-- finding
select 1;
