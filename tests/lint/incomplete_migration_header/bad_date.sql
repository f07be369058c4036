-- file: sql/migrations/clinic/20260301090000_create_table_pets.sql
-- Migration: create_table_pets
-- Description: Pets.
-- Author: Ada
-- Date: 2026-03-02
-- ^ finding
-- Dependencies: none
-- Rollback: irreversible: it is the first

-- migrate:up
create schema clinic;
