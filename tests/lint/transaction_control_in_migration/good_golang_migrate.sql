-- file: migrations/000001_init.up.sql
begin;
create table public.notes (id bigint primary key, body text);
commit;

-- file: migrations/000001_init.down.sql
begin;
drop table public.notes;
commit;

-- file: migrations/000002_index.up.sql
create index concurrently notes_body_idx on public.notes (body);

-- file: migrations/000002_index.down.sql
drop index concurrently public.notes_body_idx;
