create table app.parcels (
    tenant_id uuid not null references app.tenants (id),
    id uuid not null,
    number int not null,
    primary key (tenant_id, id),
    during tstzrange not null,
    unique (tenant_id, number),
    exclude using gist (tenant_id with =, during with &&)
);
alter table app.parcels enable row level security, force row level security;
create policy own on app.parcels to app_user using (tenant_id = (select app.current_tenant()));
create index parcels_number on app.parcels (tenant_id, number, id);
create table app.countries (code text primary key);
create temporary table scratch (id int primary key, tenant_id uuid);
