-- file: migrations/V1__init.sql
create table ${schema}.notes (id bigint primary key, body text);

-- file: migrations/V10__more.sql
create table public.more (id bigint primary key);
alter table public.later add column code text;

-- file: migrations/V9__less.sql
create table public.later (id bigint primary key);
