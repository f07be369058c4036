create table app.countries (code text primary key);
create table app.parcels (
    tenant_id uuid not null references app.tenants (id),
    id uuid not null,
    account_id uuid,
    other_id uuid,
    country text references app.countries (code),
    primary key (tenant_id, id),
    foreign key (tenant_id, account_id) references app.accounts (tenant_id, id),
    foreign key (tenant_id, other_id) references app.accounts on delete set null (other_id)
);
create index parcels_account on app.parcels (tenant_id, account_id);
create index parcels_other on app.parcels (tenant_id, other_id);
create index parcels_country on app.parcels (country);
alter table app.parcels enable row level security, force row level security;
create policy own on app.parcels to app_user using (tenant_id = (select app.current_tenant()));
