create table app.notes (
    tenant_id  uuid not null references app.tenants (id), -- finding
    id         uuid not null,
    account_id uuid,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint notes_account_fk foreign key (tenant_id, account_id) references app.accounts (tenant_id, id) -- finding
);
