-- file: migrations/0001_first.sql
create table public.a (id bigint primary key);

-- file: migrations/0001_second.sql
-- finding
create table public.b (id bigint primary key);
