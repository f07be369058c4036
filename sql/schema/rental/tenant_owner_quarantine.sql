-- rental.tenant_owner_quarantine: renters for whom no landlord could be found when owners were backfilled.

create table rental.tenant_owner_quarantine (
    tenant_id  uuid        not null,
    payload    jsonb       not null,
    reason     text        not null,
    created_at timestamptz not null default now(),

    constraint tenant_owner_quarantine_pkey primary key (tenant_id)
);

comment on table rental.tenant_owner_quarantine is
    'Renters taken out of rental.tenants by rental.backfill_tenant_owners(), for a person to decide on.';
comment on column rental.tenant_owner_quarantine.payload is 'The whole row as it was.';
