-- file: sql/migrations/clinic/20260228090000_create_table_owners.sql
-- Migration: create_table_owners
-- Description: People who bring pets,
--     with their telephone numbers.
-- Author: Ada
-- Date: 2026-02-28
-- Dependencies: none
-- Rollback: irreversible: the first file of the line

-- migrate:up
create schema clinic;

-- file: sql/migrations/clinic/20260301090000_create_table_pets.sql
-- Migration: create_table_pets
-- Description: Pets.
-- Author: Ada
-- Date: 2026-03-01
-- Dependencies: clinic/20260228090000
-- Rollback: down section

-- migrate:up
comment on schema clinic is 'Pets.';

-- migrate:down
comment on schema clinic is null;
