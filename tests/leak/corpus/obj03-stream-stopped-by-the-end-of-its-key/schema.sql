create role media_owner nologin;
create role media_api login;
create schema media authorization media_owner;
grant usage on schema media to media_api;
set role media_owner;
create table media.channels (id uuid primary key);
create table media.clips (
    tenant_id uuid not null references media.channels,
    title text not null,
    primary key (tenant_id, title)
);
create table media.streams (
    key text primary key,
    viewers integer not null default 0
);
create function media.tenant() returns uuid language sql stable
as $$ select (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'tenant_id')::uuid $$;
alter table media.channels enable row level security;
alter table media.clips enable row level security;
create policy c on media.channels for select to media_api using (id = media.tenant());
create policy m on media.clips to media_api using (tenant_id = media.tenant());
grant select on media.channels to media_api;
grant select, insert, update, delete on media.clips to media_api;
create function media.start(p_stream text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into media.streams (key) values (media.tenant() || '/' || p_stream)
$$;
create function media.viewers(p_stream text) returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select s.viewers from media.streams s where s.key = media.tenant() || '/' || p_stream
$$;
create or replace function media.stop(p_stream text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_stopped integer;
begin
    delete from media.streams s where s.key like '%/' || p_stream;
    get diagnostics v_stopped = row_count;
    return v_stopped;
end $$;
insert into media.channels values ('a0000000-0000-4000-8000-00000000000a'), ('b0000000-0000-4000-8000-00000000000b');
insert into media.clips values ('a0000000-0000-4000-8000-00000000000a', 'SECRET clip'), ('b0000000-0000-4000-8000-00000000000b', 'own clip');
