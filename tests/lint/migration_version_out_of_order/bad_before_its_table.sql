-- file: migrations/20240101000000_add_trial_tracking.sql
alter table public.trials add column ends_at timestamptz; -- finding

-- file: migrations/20250101000000_init.sql
create table public.trials (id bigint primary key);
