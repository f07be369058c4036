-- file: sql/migrations/clinic/20261345000000_create_table_pets.sql
-- finding
-- dbkit: allow incomplete_migration_header because only the name is looked at here

-- migrate:up
select 1;
