-- rental.import_batches: one call of a bulk import and how it went.

create table rental.import_batches (
    owner_user_id uuid        not null,
    id            uuid        not null default gen_random_uuid(),
    kind          text        not null,
    file_name     text,
    total         integer     not null default 0,
    successful    integer     not null default 0,
    failed        integer     not null default 0,
    rows_left     integer     not null default 0,
    status        text        not null default 'running',
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),

    constraint import_batches_pkey primary key (owner_user_id, id),
    constraint import_batches_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict,
    constraint import_batches_kind_valid check (kind in ('tenants', 'units')),
    constraint import_batches_status_valid check (
        status in (
            'running',    -- -> completed or failed
            'completed',
            'failed'
        )
    )
);

comment on table rental.import_batches is 'A bulk import of renters or units by one landlord, with its counts.';
comment on column rental.import_batches.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.import_batches.rows_left is 'Renters it may still invite under its one call of the policy invites.';
