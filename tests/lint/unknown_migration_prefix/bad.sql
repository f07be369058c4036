-- file: sql/migrations/clinic/20260301090000_customer_loyalty.sql
-- finding
-- Migration: customer_loyalty
-- Description: Points.
-- Author: Ada
-- Date: 2026-03-01
-- Dependencies: none
-- Rollback: down section

-- migrate:up
create schema clinic;

-- migrate:down
drop schema clinic;
