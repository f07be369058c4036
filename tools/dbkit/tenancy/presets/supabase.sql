-- What migrations of a Supabase project expect to find, for disposable servers only: roles, schemas, the default
-- privileges that open `public`, and the parts of auth, storage and realtime that policies and foreign keys name.
-- It can run again: roles belong to the cluster and may be there from another database.

do $$
declare
    wanted record;
begin
    for wanted in
        select *
          from (values ('anon', 'nologin'), ('authenticated', 'nologin'), ('service_role', 'nologin bypassrls'),
                       ('authenticator', 'login noinherit'), ('supabase_admin', 'login createrole bypassrls'),
                       ('supabase_auth_admin', 'login noinherit createrole'),
                       ('supabase_storage_admin', 'login noinherit createrole'),
                       ('dashboard_user', 'nologin createrole'), ('supabase_realtime_admin', 'nologin noinherit'))
               as roles (name, attributes)
    loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted.name) then
            execute format('create role %I %s', wanted.name, wanted.attributes);
        end if;
    end loop;
end $$;
grant anon, authenticated, service_role to authenticator;

create schema if not exists auth;
create schema if not exists storage;
create schema if not exists extensions;
create schema if not exists realtime;
create schema if not exists graphql_public;
create schema if not exists vault;
grant usage on schema public, auth, storage, extensions, realtime to anon, authenticated, service_role;

-- Names of extensions are found without their schema; those that this server has are there as on the platform.
do $$
declare
    extension text;
begin
    execute format('alter database %I set search_path = "$user", public, extensions', current_database());
    for extension in
        select name from pg_catalog.pg_available_extensions where name in ('uuid-ossp', 'pgcrypto')
    loop
        execute format('create extension if not exists %I with schema extensions', extension);
    end loop;
end $$;

-- Every object that a migration makes in public is open to the roles of the API, so row security is all there is.
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;

create table if not exists auth.users (
    id                 uuid primary key default gen_random_uuid(),
    instance_id        uuid,
    aud                text,
    role               text,
    email              text,
    phone              text,
    encrypted_password text,
    email_confirmed_at timestamptz,
    last_sign_in_at    timestamptz,
    raw_app_meta_data  jsonb,
    raw_user_meta_data jsonb,
    is_super_admin     boolean,
    is_anonymous       boolean not null default false,
    created_at         timestamptz default now(),
    updated_at         timestamptz default now(),
    deleted_at         timestamptz
);
alter table auth.users enable row level security;

-- Claims come as one setting or, from older servers of the API, as one setting each.
create or replace function auth.jwt() returns jsonb
    language sql
    stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;
create or replace function auth.uid() returns uuid
    language sql
    stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$$;
create or replace function auth.role() returns text
    language sql
    stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )
$$;
create or replace function auth.email() returns text
    language sql
    stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
    )
$$;

create table if not exists storage.buckets (
    id                 text primary key,
    name               text not null unique,
    owner              uuid,
    owner_id           text,
    public             boolean default false,
    file_size_limit    bigint,
    allowed_mime_types text[],
    created_at         timestamptz default now(),
    updated_at         timestamptz default now()
);
create table if not exists storage.objects (
    id               uuid primary key default gen_random_uuid(),
    bucket_id        text references storage.buckets (id),
    name             text,
    owner            uuid,
    owner_id         text,
    metadata         jsonb,
    user_metadata    jsonb,
    path_tokens      text[] generated always as (string_to_array(name, '/')) stored,
    version          text,
    created_at       timestamptz default now(),
    updated_at       timestamptz default now(),
    last_accessed_at timestamptz default now(),
    unique (bucket_id, name)
);
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
grant select, insert, update, delete on storage.buckets, storage.objects to anon, authenticated, service_role;

create or replace function storage.foldername(name text) returns text[]
    language sql
    immutable
as $$
    select (string_to_array(name, '/'))[: cardinality(string_to_array(name, '/')) - 1]
$$;
create or replace function storage.filename(name text) returns text
    language sql
    immutable
as $$
    select (string_to_array(name, '/'))[cardinality(string_to_array(name, '/'))]
$$;
create or replace function storage.extension(name text) returns text
    language sql
    immutable
as $$
    select case when storage.filename(name) like '%.%' then reverse(split_part(reverse(name), '.', 1)) else '' end
$$;

create table if not exists realtime.messages (
    id          uuid not null default gen_random_uuid() primary key,
    topic       text not null,
    extension   text not null,
    payload     jsonb,
    event       text,
    private     boolean default false,
    inserted_at timestamptz not null default now()
);
alter table realtime.messages enable row level security;
grant select, insert on realtime.messages to anon, authenticated, service_role;
create or replace function realtime.topic() returns text
    language sql
    stable
as $$
    select nullif(current_setting('realtime.topic', true), '')
$$;

do $$ begin
    if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
        create publication supabase_realtime;
    end if;
end $$;
