create extension pgcrypto schema app;
create extension if not exists plpgsql;
create extension pg_cron;
