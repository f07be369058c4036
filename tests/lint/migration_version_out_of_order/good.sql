-- file: migrations/0001_init.sql
create table public.trials (id bigint primary key);

-- file: migrations/0002_trials.up.sql
alter table public.trials add column ends_at timestamptz;
alter table public.made_by_an_extension add column note text;

-- file: migrations/0002_trials.down.sql
alter table public.trials drop column ends_at;

-- file: migrations/0010_again.sql
create table public.trials_again (id bigint primary key);
