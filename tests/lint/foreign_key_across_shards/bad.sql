create table app.parcels (
    tenant_id uuid not null,
    id uuid not null,
    account_id uuid,
    other_id uuid,
    primary key (tenant_id, id),
    constraint to_account foreign key (account_id) references app.accounts (id), -- finding
    constraint clearing foreign key (tenant_id, other_id) references app.accounts on delete set null -- finding
);
create table app.kinds (
    code text primary key,
    tenant uuid,
    account_id uuid,
    foreign key (tenant, account_id) references app.accounts (tenant_id, id) -- finding
);
