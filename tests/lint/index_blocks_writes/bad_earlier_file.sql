-- file: migrations/0001_init.sql
create table public.notes (id bigint primary key, body text);
create index notes_body_idx on notes (body);

-- file: migrations/0002_index.sql
create index notes_id_body_idx on notes (id, body); -- finding
