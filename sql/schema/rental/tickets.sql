-- rental.tickets: maintenance requests, opened by the landlord or by the renter of the unit.

create table rental.tickets (
    owner_user_id uuid        not null,
    id            uuid        not null default gen_random_uuid(),
    unit_id       uuid,
    tenant_id     uuid,
    title         text        not null,
    description   text,
    status        text        not null default 'OPEN',
    priority      text        not null default 'NORMAL',
    contractor_id uuid,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    version       integer     not null default 0,

    constraint tickets_pkey primary key (owner_user_id, id),
    constraint tickets_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict,
    constraint tickets_unit_id_fkey foreign key (owner_user_id, unit_id)
        references rental.units (owner_user_id, id) on delete set null (unit_id),
    constraint tickets_tenant_id_fkey foreign key (owner_user_id, tenant_id)
        references rental.tenants (owner_user_id, id) on delete set null (tenant_id),
    constraint tickets_contractor_id_fkey foreign key (owner_user_id, contractor_id)
        references rental.contractors (owner_user_id, id) on delete set null (contractor_id),
    constraint tickets_status_valid check (
        status in ('OPEN', 'IN_PROGRESS', 'WAITING', 'RESOLVED', 'CLOSED')
    ),
    constraint tickets_priority_valid check (priority in ('LOW', 'NORMAL', 'HIGH', 'EMERGENCY'))
);

-- rental.list_tickets(): one landlord's tickets, newest first.
create index tickets_owner_created_idx on rental.tickets (owner_user_id, created_at);
-- A landlord's board: what is open, what waits.
create index tickets_owner_status_idx on rental.tickets (owner_user_id, status);
-- Open tickets of a unit; also serves the foreign key to rental.units.
create index tickets_unit_status_idx on rental.tickets (unit_id, status);
-- rental.portal_tickets(): a renter's tickets, newest first; also serves the foreign key to rental.tenants.
create index tickets_tenant_created_idx on rental.tickets (tenant_id, created_at);
-- Serves the foreign key to rental.contractors.
create index tickets_contractor_id_fk_idx on rental.tickets (owner_user_id, contractor_id);

comment on table rental.tickets is 'A maintenance request for a unit, opened by its landlord or by its renter.';
comment on column rental.tickets.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.tickets.tenant_id is 'The renter who opened the ticket or whom it concerns.';
comment on column rental.tickets.version is 'Grows by one with each update; see rental.update_ticket().';
