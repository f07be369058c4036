-- finding: pg_trgm
create extension pg_trgm with schema public;
