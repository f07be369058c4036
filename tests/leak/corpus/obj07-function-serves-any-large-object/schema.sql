create role dl_owner nologin;
create role dl_authenticated login;
create role dl_anon login;
create schema auth authorization dl_owner;
grant usage on schema auth to dl_authenticated, dl_anon;
grant usage, create on schema public to dl_owner;
grant usage on schema public to dl_authenticated, dl_anon;
set role dl_owner;
create function auth.uid() returns uuid language sql stable
  as $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
create table profiles (id uuid primary key, handle text not null, email text not null);
create table entries (
  id        uuid primary key default gen_random_uuid(),
  author_id uuid not null references profiles (id),
  title     text not null,
  body      text,
  unique (id, author_id)
);
create table photos (
  id        uuid primary key default gen_random_uuid(),
  author_id uuid not null references profiles (id),
  entry_id  uuid not null,
  path      text not null,
  foreign key (entry_id, author_id) references entries (id, author_id)
);
create index on entries (author_id);
create index on photos (entry_id, author_id);
alter table profiles enable row level security;
alter table profiles force row level security;
alter table entries enable row level security;
alter table entries force row level security;
alter table photos enable row level security;
alter table photos force row level security;
create policy own on profiles for select to dl_authenticated using (id = (select auth.uid()));
create policy own on entries for all to dl_authenticated using (author_id = (select auth.uid())) with check (author_id = (select auth.uid()));
create policy own on photos for all to dl_authenticated using (author_id = (select auth.uid())) with check (author_id = (select auth.uid()));
grant select on profiles to dl_authenticated;
grant select, insert, update, delete on entries, photos to dl_authenticated;
reset role;

insert into profiles values ('0a11ce00-0000-4000-8000-0000000000a1', 'alice', 'secret-a@acme.test'), ('0b0b0000-0000-4000-8000-0000000000b2', 'bob', 'bob@globex.test');
insert into entries (id, author_id, title, body) values ('a0000000-0000-4000-8000-000000000001', '0a11ce00-0000-4000-8000-0000000000a1', 'SECRET-A entry', 'SECRET-A body'), ('b0000000-0000-4000-8000-000000000001', '0b0b0000-0000-4000-8000-0000000000b2', 'own-B', 'hi');
insert into photos (author_id, entry_id, path) values ('0a11ce00-0000-4000-8000-0000000000a1', 'a0000000-0000-4000-8000-000000000001', '/SECRET-A.jpg'), ('0b0b0000-0000-4000-8000-0000000000b2', 'b0000000-0000-4000-8000-000000000001', '/own-B.jpg');

alter table photos add column content oid;
select lo_from_bytea(88011, 'SECRET-A photo');
select lo_from_bytea(88012, 'own photo');
update photos set content = case author_id when '0a11ce00-0000-4000-8000-0000000000a1' then 88011 else 88012 end;
create function read_photo(p oid) returns bytea language sql security definer set search_path = pg_catalog, pg_temp as $$ select lo_get(p) $$;
