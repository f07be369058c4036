-- file: migrations/0001_init.sql
create table public.parents (id bigint primary key);
create table public.children (id bigint primary key, parent_id bigint references public.parents (id));

-- file: migrations/0002_index.sql
-- migrate:up transaction:false
create index concurrently children_parent_id_idx on public.children (parent_id);
