-- finding: pg_trgm
create schema extensions;
create extension pg_trgm with schema extensions version '1.3';
