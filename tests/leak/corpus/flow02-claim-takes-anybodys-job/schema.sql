create role render_owner nologin;
create role render_api login;
create schema render authorization render_owner;
grant usage on schema render to render_api;
set role render_owner;
create table render.tenants (
    id integer primary key
);
create table render.jobs (
    tenant_id integer not null references render.tenants,
    id bigint generated always as identity,
    state text not null default 'ready' check (state in ('ready', 'claimed', 'done')),
    payload jsonb not null default '{}',
    claimed_at timestamptz,
    primary key (tenant_id, id),
    check ((state = 'ready') = (claimed_at is null))
);
create function render.tenant() returns integer language sql stable
as $$ select nullif(current_setting('render.tenant', true), '')::integer $$;
alter table render.tenants enable row level security;
alter table render.jobs enable row level security;
create policy t on render.tenants for select to render_api using (id = render.tenant());
create policy j on render.jobs for select to render_api using (tenant_id = render.tenant());
create policy e on render.jobs for insert to render_api with check (tenant_id = render.tenant());
grant select on render.tenants to render_api;
grant select, insert (tenant_id, payload) on render.jobs to render_api;
create function render.claim() returns setof render.jobs
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update render.jobs j set state = 'claimed', claimed_at = now()
     where (j.tenant_id, j.id) = (
         select n.tenant_id, n.id from render.jobs n where n.state = 'ready' order by n.id limit 1 for update skip locked
     )
    returning j.*
$$;
insert into render.tenants values (1), (2);
insert into render.jobs (tenant_id, payload) values (1, '{"scene": "SECRET scene"}'), (2, '{"scene": "own scene"}');
