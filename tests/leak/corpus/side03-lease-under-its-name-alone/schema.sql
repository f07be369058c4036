create role etl_owner nologin;
create role etl_api login;
create schema etl authorization etl_owner;
grant usage on schema etl to etl_api;
set role etl_owner;
create table etl.spaces (slug text primary key check (slug ~ '^[a-z-]+$'));
create table etl.pipelines (
    space text not null references etl.spaces,
    name text not null,
    primary key (space, name)
);
create table etl.leases (
    name text primary key,
    holder text not null,
    until timestamptz not null
);
create function etl.space() returns text language sql stable
as $$ select nullif(current_setting('etl.space', true), '') $$;
alter table etl.spaces enable row level security;
alter table etl.pipelines enable row level security;
create policy s on etl.spaces for select to etl_api using (slug = etl.space());
create policy p on etl.pipelines to etl_api using (space = etl.space());
grant select on etl.spaces to etl_api;
grant select, insert, update, delete on etl.pipelines to etl_api;
create or replace function etl.take(p_name text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from etl.leases l where l.until < now();
    insert into etl.leases values (p_name, etl.space(), now() + interval '1 hour') on conflict do nothing;
    return found;
end $$;
insert into etl.spaces values ('acme'), ('globex');
insert into etl.pipelines values ('acme', 'SECRET load'), ('globex', 'nightly load');
