-- file: migrations/0001_init.sql
create table public.notes (id bigint primary key, body text);

-- file: migrations/0002_check.sql
alter table notes add constraint notes_body_there check (body <> '') not valid;

-- file: migrations/0003_validate.sql
alter table notes validate constraint notes_body_there;
