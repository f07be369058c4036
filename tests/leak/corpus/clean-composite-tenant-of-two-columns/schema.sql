create role region_app login;
create schema region;
grant usage on schema region to region_app;
create table region.tenants (
    tenant_id text primary key check (tenant_id = region || '-' || code),
    region text not null check (region in ('eu', 'us')),
    code text not null check (code ~ '^[a-z]+$'),
    unique (region, code)
);
create table region.sites (
    tenant_id text not null references region.tenants,
    site_no integer not null,
    name text not null,
    primary key (tenant_id, site_no),
    unique (tenant_id, name)
);
create table region.meters (
    tenant_id text not null,
    site_no integer not null,
    meter_no integer not null,
    installed daterange not null default daterange(current_date, null),
    replaced_by integer,
    primary key (tenant_id, site_no, meter_no),
    foreign key (tenant_id, site_no) references region.sites on delete cascade,
    foreign key (tenant_id, site_no, replaced_by) references region.meters deferrable initially deferred
);
create function region.tenant() returns text stable
    return nullif(current_setting('region.region', true), '') || '-' || nullif(current_setting('region.code', true), '');
alter table region.tenants enable row level security, force row level security;
alter table region.sites enable row level security, force row level security;
alter table region.meters enable row level security, force row level security;
create policy own on region.tenants for select to region_app using (tenant_id = region.tenant());
create policy own on region.sites to region_app using (tenant_id = region.tenant());
create policy own on region.meters to region_app using (tenant_id = region.tenant());
grant select on region.tenants to region_app;
grant select, insert, update, delete on region.sites, region.meters to region_app;
insert into region.tenants values ('eu-acme', 'eu', 'acme'), ('us-globex', 'us', 'globex');
insert into region.sites values ('eu-acme', 1, 'SECRET site'), ('us-globex', 1, 'own site');
insert into region.meters (tenant_id, site_no, meter_no) values ('eu-acme', 1, 1), ('us-globex', 1, 1);
