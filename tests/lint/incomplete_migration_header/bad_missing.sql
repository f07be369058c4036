-- file: sql/migrations/clinic/20260301090000_create_table_pets.sql
-- finding
-- Migration: create_table_pets
-- Date: 2026-03-01

-- migrate:up
create schema clinic;
