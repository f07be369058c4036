create role ship_app login;
create schema ship;
grant usage on schema ship to ship_app;
create table ship.tenants (
    id integer primary key
);
create table ship.labels (
    id uuid primary key default gen_random_uuid(),
    tenant_id integer not null references ship.tenants,
    reference text not null,
    tracking_code text generated always as ('T' || upper(left(md5(id::text), 12))) stored unique,
    unique (tenant_id, reference)
);
create table ship.events (
    tenant_id integer not null references ship.tenants,
    id bigint generated always as identity primary key,
    reference text not null,
    happened text not null check (happened in ('printed', 'collected', 'delivered')),
    foreign key (tenant_id, reference) references ship.labels (tenant_id, reference)
);
alter table ship.tenants enable row level security;
alter table ship.labels enable row level security;
alter table ship.events enable row level security;
create policy own on ship.tenants for select to ship_app
    using (id = nullif(current_setting('ship.tenant', true), '')::integer);
create policy own on ship.labels to ship_app
    using (tenant_id = nullif(current_setting('ship.tenant', true), '')::integer);
create policy own on ship.events to ship_app
    using (tenant_id = nullif(current_setting('ship.tenant', true), '')::integer);
grant select on ship.tenants to ship_app;
grant select, insert (tenant_id, reference), delete on ship.labels to ship_app;
grant select, insert (tenant_id, reference, happened) on ship.events to ship_app;
insert into ship.tenants values (1), (2);
insert into ship.labels (tenant_id, reference) values (1, 'SECRET'), (2, 'own');
