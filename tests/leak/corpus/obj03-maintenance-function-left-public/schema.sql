create role notes_owner nologin;
create role notes_job nologin;
create role notes_web login;
create schema notes authorization notes_owner;
grant usage on schema notes to notes_web, notes_job;
set role notes_owner;
create table notes.users (
    id uuid primary key
);
create table notes.notes (
    user_id uuid not null references notes.users,
    id uuid not null default gen_random_uuid(),
    text text not null default '',
    trashed_at timestamptz,
    primary key (user_id, id)
);
alter table notes.users enable row level security;
alter table notes.notes enable row level security;
create policy me on notes.users for select to notes_web using (id::text = current_setting('notes.user_id', true));
create policy mine on notes.notes to notes_web using (user_id::text = current_setting('notes.user_id', true));
grant select on notes.users to notes_web;
grant select, insert, update, delete on notes.notes to notes_web;
create function notes.purge_trash() returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with gone as (delete from notes.notes where trashed_at is not null returning 1) select count(*) from gone;
$$;
grant execute on function notes.purge_trash() to notes_job;
insert into notes.users values ('a0000000-0000-4000-8000-00000000000a'), ('b0000000-0000-4000-8000-00000000000b');
insert into notes.notes (user_id, text, trashed_at) values
    ('a0000000-0000-4000-8000-00000000000a', 'to be restored', now()), ('b0000000-0000-4000-8000-00000000000b', 'own note', null);
