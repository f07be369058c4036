-- file: migrations/000001_init.up.sql
create table public.notes (id bigint primary key, body text);

-- file: migrations/000002_index.up.sql
begin;
savepoint before;
create index concurrently notes_body_idx on public.notes (body); -- finding
rollback to savepoint before;
create index concurrently notes_id_body_idx on public.notes (id, body); -- finding
commit;
