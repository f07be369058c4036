-- file: sql/migrations/clinic/20260301090000_baseline.sql
-- Migration: baseline
-- Description: Everything there was.
-- Author: Ada
-- Date: 2026-03-01
-- Dependencies: none
-- Rollback: irreversible: it is the first

-- migrate:up
create schema clinic;

-- file: sql/migrations/clinic/20260302090000_grant_usage.sql
-- Migration: grant_usage
-- Description: Usage.
-- Author: Ada
-- Date: 2026-03-02
-- Dependencies: 20260301090000
-- Rollback: down section

-- migrate:up
grant usage on schema clinic to app_user;

-- migrate:down
revoke usage on schema clinic from app_user;
