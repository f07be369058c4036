create table app.parcels (
    tenant_id uuid not null,
    id uuid not null,
    primary key (tenant_id, id)
);
alter table app.parcels enable row level security, force row level security;
create policy own on app.parcels to app_user using (tenant_id = (select app.current_tenant()));
create temporary table scratch (tenant_id bigint primary key);
create table app.numbers (id bigint primary key);
