create role ops_app login;
create schema ops;
grant usage on schema ops to ops_app;
create table ops.tenants (
    id integer primary key
);
create table ops.checks (
    tenant_id integer not null references ops.tenants,
    url text not null,
    primary key (tenant_id, url)
);
alter table ops.tenants enable row level security;
alter table ops.checks enable row level security;
create policy t on ops.tenants for select to ops_app
    using (id = nullif(current_setting('ops.tenant', true), '')::integer);
create policy c on ops.checks to ops_app
    using (tenant_id = nullif(current_setting('ops.tenant', true), '')::integer);
grant select on ops.tenants to ops_app;
grant select, insert, delete on ops.checks to ops_app;
create function ops.running() returns table (pid integer, query text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select a.pid, a.query from pg_stat_activity a where a.datname = current_database() $$;
insert into ops.tenants values (1), (2);
insert into ops.checks values (1, 'https://acme.test'), (2, 'https://own.test');
