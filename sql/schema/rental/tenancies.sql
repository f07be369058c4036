-- rental.tenancies: who rents which unit from when until when.

create table rental.tenancies (
    owner_user_id uuid        not null,
    id            uuid        not null default gen_random_uuid(),
    unit_id       uuid        not null,
    tenant_id     uuid        not null,
    start_date    date        not null,
    end_date      date,
    rent_amount   numeric(10,2),
    status        text        not null default 'ACTIVE',
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),

    constraint tenancies_pkey primary key (owner_user_id, id),
    constraint tenancies_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict,
    constraint tenancies_unit_id_fkey foreign key (owner_user_id, unit_id)
        references rental.units (owner_user_id, id) on delete restrict,
    constraint tenancies_tenant_id_fkey foreign key (owner_user_id, tenant_id)
        references rental.tenants (owner_user_id, id) on delete restrict,
    constraint tenancies_rent_amount_not_negative check (rent_amount between 0 and 99999999.99),
    constraint tenancies_status_valid check (
        status in (
            'DRAFT',   -- -> ACTIVE
            'ACTIVE',  -- -> ENDED, by rental.end_tenancy()
            'ENDED'
        )
    ),
    constraint tenancies_dates_valid check (end_date is null or end_date >= start_date)
);

-- The history of a unit, and the overlap test of a new tenancy.
create index tenancies_unit_start_idx on rental.tenancies (unit_id, start_date);
-- Tenancies that start or run out in a period.
-- dbkit: allow index_without_tenant_first because the daily job that begins and ends tenancies goes across all landlords
create index tenancies_start_end_idx on rental.tenancies (start_date, end_date);
-- The tenancies of one renter; serves the foreign key to rental.tenants.
create index tenancies_tenant_idx on rental.tenancies (owner_user_id, tenant_id);
-- The renters' policy knows renter ids but no landlord.
create index tenancies_tenant_id_idx on rental.tenancies (tenant_id);

comment on table rental.tenancies is
    'A lease of one unit to one renter. Active tenancies of a unit never overlap (trigger _150_refuse_overlap).';
comment on column rental.tenancies.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.tenancies.end_date is 'The last day of the lease; null while open-ended.';
comment on column rental.tenancies.rent_amount is 'Monthly rent.';
