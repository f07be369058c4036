-- Migration: 20261121000100_create_table_rental_baseline
-- Description: rental baseline
-- Author: dbkit
-- Date: 2026-11-21
-- Dependencies: core/20261121000000
-- Rollback: down section

-- migrate:up

-- rental: a landlord platform. Every landlord is a tenant of their own; a "tenant" in this schema is a renter.

create schema rental;

comment on schema rental is
    'Landlord platform. The tenant column is owner_user_id, the landlord''s own user id; renters act as app_renter.';

-- CREATE is what lets a function be given to app_definer.
grant usage, create on schema rental to app_definer;
grant usage on schema rental to app_user, app_renter, app_worker, app_readonly, app_platform_admin;

alter default privileges in schema rental grant all on tables to app_definer;

-- rental.contractors: the people a landlord sends to repair things.

create table rental.contractors (
    owner_user_id uuid            not null,
    id            uuid            not null default gen_random_uuid(),
    name          text            not null,
    trade         text,
    email         core.email,
    phone         core.phone_e164,
    is_active     boolean         not null default true,
    created_at    timestamptz     not null default now(),
    updated_at    timestamptz     not null default now(),

    constraint contractors_pkey primary key (owner_user_id, id),
    constraint contractors_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict
);

-- rental.list_contractors(): one landlord's contractors by name.
create index contractors_owner_name_idx on rental.contractors (owner_user_id, name, id);

comment on table rental.contractors is 'A contractor in one landlord''s address book.';
comment on column rental.contractors.owner_user_id is 'The landlord: tenant column of the rental schema.';

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

-- rental.import_errors: the rows of a bulk import that were refused, and why.

create table rental.import_errors (
    owner_user_id uuid        not null,
    id            uuid        not null default gen_random_uuid(),
    batch_id      uuid        not null,
    row_no        integer     not null,
    email         text,
    error         text        not null,
    created_at    timestamptz not null default now(),

    constraint import_errors_pkey primary key (owner_user_id, id),
    constraint import_errors_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict,
    constraint import_errors_batch_id_fkey foreign key (owner_user_id, batch_id)
        references rental.import_batches (owner_user_id, id) on delete cascade
);

-- The report of a batch, in the order of the file.
create index import_errors_batch_idx on rental.import_errors (owner_user_id, batch_id, row_no);

comment on table rental.import_errors is 'A refused row of a bulk import. Append-only; written by the import functions.';
comment on column rental.import_errors.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.import_errors.email is 'The address as it stood in the row, which may be malformed.';

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

-- rental.units: the flats and houses a landlord lets.

create table rental.units (
    owner_user_id uuid        not null,
    id            uuid        not null default gen_random_uuid(),
    name          text        not null,
    address1      text        not null,
    address2      text,
    city          text        not null,
    state         text        not null,
    postal_code   text        not null,
    external_ref  text,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),

    constraint units_pkey primary key (owner_user_id, id),
    constraint units_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict
);

-- An import names a unit by the landlord's own reference, once per landlord.
create unique index units_owner_external_ref_key on rental.units (owner_user_id, external_ref)
    where external_ref is not null;
-- rental.list_units(): one landlord's units by name.
create index units_owner_name_idx on rental.units (owner_user_id, name, id);
-- The renters' policy knows unit ids but no landlord.
create index units_id_idx on rental.units (id);

comment on table rental.units is 'A flat or house of one landlord.';
comment on column rental.units.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.units.external_ref is 'The landlord''s own reference for the unit, unique per landlord.';

-- rental.tenants: the renters of a landlord. One person may be a renter of several landlords, one row at each.

create table rental.tenants (
    owner_user_id uuid            not null,
    id            uuid            not null default gen_random_uuid(),
    first_name    text            not null,
    last_name     text            not null,
    email         core.email      not null,
    phone         core.phone_e164,
    user_id       uuid,
    unit_id       uuid,
    created_at    timestamptz     not null default now(),
    updated_at    timestamptz     not null default now(),

    constraint tenants_pkey primary key (owner_user_id, id),
    constraint tenants_owner_email_key unique (owner_user_id, email),
    constraint tenants_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict,
    constraint tenants_user_id_fkey foreign key (user_id)
        references core.users (id) on delete set null,
    constraint tenants_unit_id_fkey foreign key (owner_user_id, unit_id)
        references rental.units (owner_user_id, id) on delete set null (unit_id),
    constraint tenants_first_name_length check (length(first_name) >= 1),
    constraint tenants_last_name_length check (length(last_name) >= 1)
);

-- A renter's invite is matched by address before the landlord is known.
-- dbkit: allow index_without_tenant_first because a renter who signs in is looked up before any landlord is known
create index tenants_email_idx on rental.tenants (email);
-- A renter's own rows: rental.my_tenant_row_ids() and the renters' policy.
create index tenants_user_id_idx on rental.tenants (user_id);
-- Who lives in a unit; also serves the foreign key to rental.units.
create index tenants_unit_id_idx on rental.tenants (unit_id);
-- All renters of a landlord, without the width of the keys that begin alike.
-- dbkit: allow redundant_prefix_index because R-LL-05 lists it and it is a third of the width of the key
create index tenants_owner_user_id_idx on rental.tenants (owner_user_id);

comment on table rental.tenants is 'A renter of one landlord, invited or living in a unit.';
comment on column rental.tenants.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.tenants.user_id is
    'The renter''s own login; null until the invite is claimed. Written by definer functions only.';
comment on column rental.tenants.unit_id is 'The unit the renter lives in or is invited to.';
comment on constraint tenants_owner_email_key on rental.tenants is 'Another renter of yours has this e-mail address.';

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

-- rental.tenant_invites: the way of a renter from the landlord's list to their own login.

create table rental.tenant_invites (
    owner_user_id uuid        not null,
    id            uuid        not null default gen_random_uuid(),
    tenant_id     uuid        not null,
    unit_id       uuid,
    email         core.email  not null,
    token_hash    text        not null,
    mail_token_hash text,
    expires_at    timestamptz not null default now() + interval '14 days',
    claimed_at    timestamptz,
    sent_at       timestamptz,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),

    constraint tenant_invites_pkey primary key (owner_user_id, id),
    -- Tokens are claimed before a landlord is known, so these keys span landlords; a hash of random bits betrays nothing.
    constraint tenant_invites_token_hash_key unique (token_hash),
    constraint tenant_invites_mail_token_hash_key unique (mail_token_hash),
    constraint tenant_invites_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict,
    constraint tenant_invites_tenant_id_fkey foreign key (owner_user_id, tenant_id)
        references rental.tenants (owner_user_id, id) on delete cascade,
    constraint tenant_invites_unit_id_fkey foreign key (owner_user_id, unit_id)
        references rental.units (owner_user_id, id) on delete set null (unit_id)
);

-- One open invite per renter; a second call renews it. Serves the foreign key to rental.tenants for open invites.
create unique index tenant_invites_one_open_key on rental.tenant_invites (owner_user_id, tenant_id)
    where claimed_at is null;
-- A landlord's open and claimed invites.
create index tenant_invites_owner_claimed_idx on rental.tenant_invites (owner_user_id, claimed_at);
-- The invites that wait for an address.
-- dbkit: allow index_without_tenant_first because invitations are claimed by address before any landlord is known
create index tenant_invites_email_claimed_idx on rental.tenant_invites (email, claimed_at);
-- Serves the foreign key to rental.units.
create index tenant_invites_unit_id_fk_idx on rental.tenant_invites (owner_user_id, unit_id);
-- Serves the foreign key to rental.tenants for claimed invites, too.
create index tenant_invites_tenant_id_fk_idx on rental.tenant_invites (owner_user_id, tenant_id);

comment on table rental.tenant_invites is 'An invitation of a renter. Only the hash of its token is stored.';
comment on column rental.tenant_invites.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.tenant_invites.token_hash is 'SHA-256 of the token that the inviting call returned, in hex.';
comment on column rental.tenant_invites.mail_token_hash is 'SHA-256 of the token in the newest e-mail, in hex; the worker draws it while sending.';
comment on column rental.tenant_invites.sent_at is 'When the newest e-mail was handed to the worker.';

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

-- rental.contractor_search_results: what a search for contractors found for a ticket, kept for reuse.

create table rental.contractor_search_results (
    owner_user_id uuid        not null,
    id            uuid        not null default gen_random_uuid(),
    ticket_id     uuid        not null,
    results       jsonb       not null default '[]',
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),

    constraint contractor_search_results_pkey primary key (owner_user_id, id),
    constraint contractor_search_results_owner_user_id_fkey foreign key (owner_user_id)
        references core.users (id) on delete restrict,
    constraint contractor_search_results_ticket_id_fkey foreign key (owner_user_id, ticket_id)
        references rental.tickets (owner_user_id, id) on delete cascade,
    constraint contractor_search_results_results_array check (jsonb_typeof(results) = 'array')
);

-- The newest result of a ticket, and the ones too old to use.
create index contractor_search_results_ticket_updated_idx on rental.contractor_search_results (ticket_id, updated_at);

comment on table rental.contractor_search_results is 'The contractors found for a ticket, as the search returned them.';
comment on column rental.contractor_search_results.owner_user_id is 'The landlord: tenant column of the rental schema.';
comment on column rental.contractor_search_results.results is 'A JSON array; its elements belong to the search service.';

-- rental.user_profiles: what the landlord platform knows about a person beyond core.users.

create table rental.user_profiles (
    user_id              uuid        not null,
    role                 text        not null default 'TENANT',
    onboarding_completed boolean     not null default false,
    company_name         text,
    onboarding_step      text        not null default 'account',
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),

    constraint user_profiles_pkey primary key (user_id),
    constraint user_profiles_user_id_fkey foreign key (user_id)
        references core.users (id) on delete cascade,
    constraint user_profiles_role_valid check (role in ('ADMIN', 'OWNER', 'TENANT')),
    constraint user_profiles_onboarding_step_valid check (
        onboarding_step in (
            'account',         -- -> company, by rental.register_landlord()
            'company',         -- -> first_property
            'first_property',  -- -> done
            'done'
        )
    ),
    constraint user_profiles_onboarding_consistent check (onboarding_completed = (onboarding_step = 'done'))
);

comment on table rental.user_profiles is
    'One row per person on the landlord platform: the role and how far the sign-up wizard has come.';
comment on column rental.user_profiles.role is
    'OWNER is set by rental.register_landlord(), ADMIN by a DBA; nobody can change their own.';
comment on column rental.user_profiles.onboarding_step is
    'The wizard step the user has to do next; done when none is left.';

-- rental.authorize_tenant: the gate in front of every change to a renter.

create or replace function rental.authorize_tenant(p_tenant_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();

    -- The lock keeps the row, and with it this answer, until the caller's write commits.
    perform
      from rental.tenants as t
     where t.id = p_tenant_id
       for key share;

    -- One error for a missing row and for another landlord's, so that nobody learns which ids exist.
    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The renter does not exist or is not yours.');
    end if;
end
$fn$;

revoke execute on function rental.authorize_tenant(uuid) from public;
grant execute on function rental.authorize_tenant(uuid) to app_user;

comment on function rental.authorize_tenant(uuid) is
    'Check that the renter is the landlord''s own and hold it until the transaction ends. Idempotent. Errors: PT401 not '
    'signed in, PT403 no such renter or not yours.';

-- rental.authorize_ticket: the gate in front of every change to a ticket.

create or replace function rental.authorize_ticket(p_ticket_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();

    -- The lock keeps the row, and with it this answer, until the caller's write commits.
    perform
      from rental.tickets as t
     where t.id = p_ticket_id
       for key share;

    -- One error for a missing row and for another landlord's, so that nobody learns which ids exist.
    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The ticket does not exist or is not yours.');
    end if;
end
$fn$;

revoke execute on function rental.authorize_ticket(uuid) from public;
grant execute on function rental.authorize_ticket(uuid) to app_user;

comment on function rental.authorize_ticket(uuid) is
    'Check that the ticket is the landlord''s own and hold it until the transaction ends. Idempotent. Errors: PT401 not '
    'signed in, PT403 no such ticket or not yours.';

-- rental.authorize_unit: the gate in front of every change to a unit.

create or replace function rental.authorize_unit(p_unit_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();

    -- The lock keeps the row, and with it this answer, until the caller's write commits.
    perform
      from rental.units as t
     where t.id = p_unit_id
       for key share;

    -- One error for a missing row and for another landlord's, so that nobody learns which ids exist.
    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The unit does not exist or is not yours.');
    end if;
end
$fn$;

revoke execute on function rental.authorize_unit(uuid) from public;
grant execute on function rental.authorize_unit(uuid) to app_user;

comment on function rental.authorize_unit(uuid) is
    'Check that the unit is the landlord''s own and hold it until the transaction ends. Idempotent. Errors: PT401 not '
    'signed in, PT403 no such unit or not yours.';

-- rental.backfill_tenant_owners: give every renter a landlord, or set the renter aside for a person to decide.

-- For migrations of databases that grew up without rental.tenants.owner_user_id, see docs/rental-owner-backfill.md.
-- Where the column is not null already there is nothing to do.
create or replace function rental.backfill_tenant_owners()
    returns table (via_unit integer, via_ticket integer, quarantined integer)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_before    integer;
    v_set_aside integer;
begin
    select count(*) into v_before
      from rental.tenants as t
     where t.owner_user_id is null;

    update rental.tenants as t
       set owner_user_id = u.owner_user_id
      from rental.units as u
     where t.owner_user_id is null
       and u.id = t.unit_id;
    get diagnostics via_unit = row_count;

    update rental.tenants as t
       set owner_user_id = newest.owner_user_id
      from (
          select distinct on (k.tenant_id) k.tenant_id, k.owner_user_id
            from rental.tickets as k
           where k.tenant_id is not null
           order by k.tenant_id, k.created_at desc, k.id desc
      ) as newest
     where t.owner_user_id is null
       and newest.tenant_id = t.id;
    get diagnostics via_ticket = row_count;

    insert into rental.tenant_owner_quarantine (tenant_id, payload, reason)
    select t.id, to_jsonb(t), 'neither a unit nor a ticket names a landlord'
      from rental.tenants as t
     where t.owner_user_id is null;
    get diagnostics quarantined = row_count;

    delete from rental.tenants as t
     where t.owner_user_id is null;
    get diagnostics v_set_aside = row_count;

    -- Row security that hides rows makes an update touch fewer, in silence; here it is an error.
    if v_before <> via_unit + via_ticket + quarantined or v_set_aside <> quarantined then
        perform core.raise_error('PT409', 'conflict',
            format('Of %s renters without a landlord, %s were resolved by unit, %s by ticket, %s copied to the quarantine '
                   'and %s removed.', v_before, via_unit, via_ticket, quarantined, v_set_aside));
    end if;
    return next;
end
$fn$;

revoke execute on function rental.backfill_tenant_owners() from public;

comment on function rental.backfill_tenant_owners() is
    'Set the landlord of renters that have none: the unit''s, else the newest ticket''s, else move the renter to the '
    'quarantine; returns how many of each. Idempotent. Errors: PT409 the counts do not add up, 23503 a renter to set aside '
    'is still referenced.';

-- rental.begin_import: a bulk call is counted and put on record before its first row.

-- Definer: how many rows an import has left is nothing a landlord may write.
create or replace function rental.begin_import(p_kind text, p_total integer) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner    uuid := core.require_tenant();
    v_batch_id uuid;
begin
    perform core.rate_limit_or_raise('invites');
    if (p_total between 1 and 100) is not true then
        perform core.raise_error('PT400', 'bad_request', 'An import takes an array of 1 to 100 rows.');
    end if;
    insert into rental.import_batches as b (owner_user_id, kind, total, rows_left)
    values (v_owner, p_kind, p_total, case when p_kind = 'tenants' then p_total else 0 end)
    returning b.id into v_batch_id;
    return v_batch_id;
end
$fn$;

alter function rental.begin_import(text, integer) owner to app_definer;
revoke execute on function rental.begin_import(text, integer) from public;
grant execute on function rental.begin_import(text, integer) to app_user;

comment on function rental.begin_import(text, integer) is
    'Begin an import of 1 to 100 rows of kind tenants or units for the active landlord, count it as one call, and return the batch. Each call '
    'begins another. Errors: PT400 not 1 to 100 rows, PT401 not signed in, PT403 no landlord in the context, PT429 too many calls '
    '(policy invites), 23502 or 23514 no such kind.';

-- rental.bulk_invite_tenants: invite up to 100 renters in one call.

create or replace function rental.bulk_invite_tenants(p_tenants jsonb) returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return rental.import_rows('tenants', p_tenants);
end
$fn$;

revoke execute on function rental.bulk_invite_tenants(jsonb) from public;
grant execute on function rental.bulk_invite_tenants(jsonb) to app_user;

comment on function rental.bulk_invite_tenants(jsonb) is
    'Invite up to 100 renters in one call; e-mails are queued. Rows have firstName, lastName, email and, where known, unitId. A bad row is reported and costs no '
    'other. Inviting a renter again renews the invitation. Returns {total, successful, failed, results: {success[], failed[]}}. Errors: PT400 not 1 to 100 '
    'rows, PT401 not signed in, PT403 no landlord in the context, PT429 too many calls (policy invites).';

-- rental.claim_invite: a renter's own login takes the place the landlord prepared.

-- Definer: the renter belongs to no landlord yet, and the token says which row it is.
create or replace function rental.claim_invite(p_token text) returns rental.tenants
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.require_user();
    v_hash    text := rental.hash_invite_token(p_token);
    v_invite  rental.tenant_invites;
    v_renter  rental.tenants;
begin
    select i.*
      into v_invite
      from rental.tenant_invites as i
     where v_hash in (i.token_hash, i.mail_token_hash)
       for update;

    -- One error for what never was, is over or was used: a guess learns nothing.
    if not found or v_invite.claimed_at is not null or v_invite.expires_at <= now() then
        perform core.raise_error('PT410', 'expired', 'The invitation is not valid any more.');
    end if;
    -- A forwarded e-mail lets nobody else in.
    if not exists (select from core.users as u where u.id = v_user_id and u.email = v_invite.email) then
        perform core.raise_error('PT403', 'forbidden', 'The invitation is for another address.');
    end if;

    update rental.tenants as t
       set user_id = v_user_id
     where t.owner_user_id = v_invite.owner_user_id
       and t.id = v_invite.tenant_id
       and coalesce(t.user_id, v_user_id) = v_user_id
    returning t.* into v_renter;
    if not found then
        perform core.raise_error('PT410', 'expired', 'The invitation is not valid any more.');
    end if;

    update rental.tenant_invites as i
       set claimed_at = now()
     where i.owner_user_id = v_invite.owner_user_id
       and i.id = v_invite.id;
    return v_renter;
end
$fn$;

alter function rental.claim_invite(text) owner to app_definer;
revoke execute on function rental.claim_invite(text) from public;
grant execute on function rental.claim_invite(text) to app_user, app_renter;

comment on function rental.claim_invite(text) is
    'Make the caller the renter an invitation is for and return that renter. A token is good once. Errors: PT401 not signed in, PT403 the '
    'caller''s address is another, PT410 unknown, expired or used.';

-- rental.complete_onboarding_step: the landlord finishes the current step of the sign-up wizard.

-- Definer: the wizard's columns have no update grant, so that this order is the only one.
create or replace function rental.complete_onboarding_step(p_step text, p_data jsonb default '{}')
    returns rental.user_profiles
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.require_user();
    v_profile rental.user_profiles;
begin
    select p.* into v_profile
      from rental.user_profiles as p
     where p.user_id = v_user_id
       for update;

    if not found or v_profile.onboarding_step = 'account' then
        perform core.raise_error('PT403', 'forbidden', 'The caller is not registered as a landlord.',
            '{"onboarding_step": "account"}');
    end if;
    -- A context without a tenant was not checked against it: who may not enter the tenant writes nothing into it.
    if not core.is_member(v_user_id) then
        perform core.raise_error('PT403', 'forbidden', 'The landlord''s account is not active.');
    end if;
    if p_step is distinct from v_profile.onboarding_step or v_profile.onboarding_completed then
        perform core.raise_error('PT409', 'conflict', 'Another step of the wizard comes next.',
            jsonb_build_object('onboarding_step', v_profile.onboarding_step)::text);
    end if;

    case p_step
        when 'company' then
            perform rental.require_patch(p_data, array['company_name']);
            v_profile.company_name := btrim(coalesce(p_data ->> 'company_name', v_profile.company_name));
            if coalesce(v_profile.company_name, '') = '' then
                perform core.raise_error('PT422', 'invalid', 'A landlord has a company name.',
                    '{"company_name": "must not be blank"}');
            end if;
            update core.tenants as t
               set name = v_profile.company_name
             where t.id = v_user_id;
            v_profile.onboarding_step := 'first_property';

        when 'first_property' then
            perform rental.require_patch(p_data,
                array['name', 'address1', 'address2', 'city', 'state', 'postal_code', 'external_ref']);
            if p_data <> '{}' then
                insert into rental.units (owner_user_id, name, address1, address2, city, state, postal_code, external_ref)
                select v_user_id, u.name, u.address1, u.address2, u.city, u.state, u.postal_code, u.external_ref
                  from jsonb_populate_record(null::rental.units, p_data) as u;
            elsif not exists (select from rental.units as u where u.owner_user_id = v_user_id) then
                perform core.raise_error('PT422', 'invalid', 'A landlord has at least one unit.',
                    '{"name": "describe the first unit"}');
            end if;
            v_profile.onboarding_step := 'done';
    end case;

    update rental.user_profiles as p
       set company_name = v_profile.company_name,
           onboarding_step = v_profile.onboarding_step,
           onboarding_completed = (v_profile.onboarding_step = 'done')
     where p.user_id = v_user_id
    returning p.* into v_profile;
    return v_profile;
end
$fn$;

alter function rental.complete_onboarding_step(text, jsonb) owner to app_definer;

revoke execute on function rental.complete_onboarding_step(text, jsonb) from public;
grant execute on function rental.complete_onboarding_step(text, jsonb) to app_user;

comment on function rental.complete_onboarding_step(text, jsonb) is
    'Complete the current wizard step with its data and move to the next: company {company_name}, then first_property {a '
    'unit, or empty when one exists}, then done. Not idempotent: steps go forward only. Errors: PT400 data is not an '
    'object, PT401 not signed in, PT403 not a landlord or a suspended one, PT409 another step comes next, named in the '
    'hint, PT422 bad data, 23502 a unit value is missing.';

-- rental.count_invite: an import is one call, however many renters it invites; whatever else invites one is a call of its own.

-- Definer: how many rows an import has left is nothing a landlord may write.
create or replace function rental.count_invite(p_batch_id uuid default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner uuid := core.require_tenant();
begin
    update rental.import_batches as b
       set rows_left = b.rows_left - 1
     where b.owner_user_id = v_owner
       and b.id = p_batch_id
       and b.rows_left > 0;
    if not found then
        perform core.rate_limit_or_raise('invites');
    end if;
end
$fn$;

alter function rental.count_invite(uuid) owner to app_definer;
revoke execute on function rental.count_invite(uuid) from public;
grant execute on function rental.count_invite(uuid) to app_user;

comment on function rental.count_invite(uuid) is
    'Count an invitation: as a row of an import that has rows left, else as a call. Each call counts. Errors: PT401 not signed in, PT403 no '
    'landlord in the context, PT429 too many calls (policy invites).';

-- rental.create_tenant_invite: the landlord invites a renter, known or new, by itself or as a row of an import.

create or replace function rental.create_tenant_invite(
    p_first_name text,
    p_last_name  text,
    p_email      text,
    p_unit_id    uuid default null,
    p_batch_id   uuid default null
) returns table (invite_id uuid, tenant_id uuid, token text)
    language plpgsql volatile
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
#variable_conflict use_column
declare
    v_owner  uuid := core.require_tenant();
    v_renter rental.tenants;
begin
    if p_unit_id is not null then
        perform rental.authorize_unit(p_unit_id);
    end if;

    -- Two calls for one address meet here, and the second finds the first one's renter.
    insert into rental.tenants as t (owner_user_id, first_name, last_name, email, unit_id)
    values (v_owner, p_first_name, p_last_name, lower(p_email), p_unit_id)
    on conflict (owner_user_id, email) do update set unit_id = coalesce(t.unit_id, excluded.unit_id)
    returning t.* into v_renter;
    if v_renter.user_id is not null then
        perform core.raise_error('PT409', 'conflict', 'This renter has accepted an invitation already.');
    end if;

    token := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
    tenant_id := v_renter.id;
    insert into rental.tenant_invites as i (owner_user_id, tenant_id, unit_id, email, token_hash)
    values (v_owner, v_renter.id, p_unit_id, v_renter.email, rental.hash_invite_token(token))
    on conflict (owner_user_id, tenant_id) where claimed_at is null do update
        set unit_id    = coalesce(excluded.unit_id, i.unit_id),
            email      = excluded.email,
            token_hash = excluded.token_hash,
            expires_at = excluded.expires_at
    returning i.id into invite_id;

    -- This counts the call. What a refused one has written until here is undone.
    perform rental.queue_invite(invite_id, p_batch_id);
    return next;
end
$fn$;

revoke execute on function rental.create_tenant_invite(text, text, text, uuid, uuid) from public;
grant execute on function rental.create_tenant_invite(text, text, text, uuid, uuid) to app_user;

comment on function rental.create_tenant_invite(text, text, text, uuid, uuid) is
    'Invite a renter, found or created by address, and queue the e-mail; a renter has one open invitation, which another call renews for '
    '14 days under a new token. The token is returned once and only its hash is kept. p_batch_id: an import of rental.begin_import, which '
    'counted for all its rows. Errors: PT401 not signed in, PT403 no landlord in the context or not your unit, PT409 the renter has a '
    'login already, PT429 too many calls (policy invites), 23502 or 23514 a name or address is not acceptable.';

-- rental.create_ticket: a landlord, or the renter of the unit, reports something to mend.

create or replace function rental.create_ticket(
    p_unit_id     uuid,
    p_title       text,
    p_description text default null,
    p_priority    text default 'NORMAL'
) returns rental.tickets
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner_id  uuid;
    v_tenant_id uuid;
    v_ticket    rental.tickets;
begin
    perform core.require_user();
    v_owner_id := core.active_tenant_id();

    if v_owner_id is not null and current_user <> 'app_renter' then
        perform rental.authorize_unit(p_unit_id);
    else
        -- Renters need no tenant, and one they are a member of changes nothing: row security leaves them their own units and rows, one per landlord.
        select t.owner_user_id, t.id
          into v_owner_id, v_tenant_id
          from rental.units as u
          join rental.tenants as t
            on t.owner_user_id = u.owner_user_id
         where u.id = p_unit_id
         order by (t.unit_id = u.id) desc nulls last, t.created_at, t.id
         limit 1;
        if not found then
            perform core.raise_error('PT403', 'forbidden', 'The unit does not exist or is not yours.');
        end if;
    end if;

    insert into rental.tickets as t
        (owner_user_id, unit_id, tenant_id, title, description, priority)
    values
        (v_owner_id, p_unit_id, v_tenant_id, p_title, p_description, p_priority)
    returning t.* into v_ticket;
    return v_ticket;
end
$fn$;

revoke execute on function rental.create_ticket(uuid, text, text, text) from public;
grant execute on function rental.create_ticket(uuid, text, text, text) to app_user, app_renter;

comment on function rental.create_ticket(uuid, text, text, text) is
    'Open a ticket for a unit as its landlord or as its renter and return it. Not idempotent. Errors: PT401 not signed in, '
    'PT403 no such unit or not yours, 23502 no title, 23514 unknown priority.';

-- rental.create_unit: the landlord adds a unit.

create or replace function rental.create_unit(
    p_name         text,
    p_address1     text,
    p_city         text,
    p_state        text,
    p_postal_code  text,
    p_address2     text default null,
    p_external_ref text default null
) returns rental.units
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_unit rental.units;
begin
    insert into rental.units as u
        (owner_user_id, name, address1, address2, city, state, postal_code, external_ref)
    values
        (core.require_tenant(), p_name, p_address1, p_address2, p_city, p_state, p_postal_code, p_external_ref)
    returning u.* into v_unit;
    return v_unit;
end
$fn$;

revoke execute on function rental.create_unit(text, text, text, text, text, text, text) from public;
grant execute on function rental.create_unit(text, text, text, text, text, text, text) to app_user;

comment on function rental.create_unit(text, text, text, text, text, text, text) is
    'Add a unit to the landlord''s own and return it. Not idempotent; with p_external_ref a second call is refused. Errors:'
    ' PT401 not signed in, PT403 no landlord in the context, 23502 a value is missing, 23505 the reference exists.';

-- rental.delete_unit: the landlord removes a unit that never had a tenancy.

create or replace function rental.delete_unit(p_unit_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    -- Renters and tickets lose the reference; a tenancy keeps its unit, and its foreign key refuses.
    delete from rental.units as u
     where u.id = p_unit_id;

    -- The delete is its own check: held by authorize_unit beforehand, two deletes of one unit would deadlock.
    if not found then
        perform rental.authorize_unit(p_unit_id);
    end if;
exception
    -- PostgreSQL 18 tells RESTRICT from other foreign keys.
    when foreign_key_violation or restrict_violation then
        perform core.raise_error('PT409', 'conflict', 'The unit has tenancies.');
end
$fn$;

revoke execute on function rental.delete_unit(uuid) from public;
grant execute on function rental.delete_unit(uuid) to app_user;

comment on function rental.delete_unit(uuid) is
    'Delete an own unit without tenancies. Not idempotent: a second call finds no unit. Errors: PT401 not signed in, PT403 '
    'no such unit or not yours, PT409 a tenancy references it.';

-- rental.end_tenancy: the landlord sets the last day of an active tenancy.

create or replace function rental.end_tenancy(p_id uuid, p_end date default current_date) returns rental.tenancies
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenancy rental.tenancies;
begin
    perform core.require_tenant();
    select l.* into v_tenancy
      from rental.tenancies as l
     where l.id = p_id
       for update;

    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The tenancy does not exist or is not yours.');
    end if;
    if v_tenancy.status <> 'ACTIVE' then
        perform core.raise_error('PT409', 'conflict', 'Only an active tenancy can end.',
            jsonb_build_object('status', v_tenancy.status)::text);
    end if;
    if p_end is null then
        perform core.raise_error('PT422', 'invalid', 'A tenancy ends on a day.', '{"end_date": "is missing"}');
    end if;

    -- A last day ahead is a notice: the tenancy stays active until then.
    update rental.tenancies as l
       set end_date = p_end,
           status = case when p_end <= current_date then 'ENDED' else 'ACTIVE' end
     where l.id = p_id
    returning l.* into v_tenancy;

    -- The renter moves out, unless another tenancy keeps them in the unit.
    if v_tenancy.status = 'ENDED' then
        update rental.tenants as t
           set unit_id = null
         where t.id = v_tenancy.tenant_id
           and t.unit_id = v_tenancy.unit_id
           and not exists (
               select
                 from rental.tenancies as l
                where l.tenant_id = t.id
                  and l.unit_id = t.unit_id
                  and l.status = 'ACTIVE');
    end if;
    return v_tenancy;
end
$fn$;

revoke execute on function rental.end_tenancy(uuid, date) from public;
grant execute on function rental.end_tenancy(uuid, date) to app_user;

comment on function rental.end_tenancy(uuid, date) is
    'Set the last day of an own active tenancy and return it; on or before today the tenancy ends and the renter moves out.'
    ' Not idempotent: an ended tenancy is refused. Errors: PT401 not signed in, PT403 no such tenancy or not yours, PT409 '
    'not active, PT422 no day, 23514 ends before it starts.';

-- rental.expire_invites: cron takes away the invitations nobody accepted.

create or replace function rental.expire_invites() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_removed integer;
begin
    -- For a month the landlord sees that it ran out, and may renew it. Locked rows are being claimed or renewed.
    with expired as (
        select i.owner_user_id, i.id
          from rental.tenant_invites as i
         where i.claimed_at is null
           and i.expires_at < now() - interval '30 days'
           for update skip locked
    )
    delete from rental.tenant_invites as i
     using expired as e
     where i.owner_user_id = e.owner_user_id
       and i.id = e.id;
    get diagnostics v_removed = row_count;
    return v_removed;
end
$fn$;

alter function rental.expire_invites() owner to app_definer;
revoke execute on function rental.expire_invites() from public;

comment on function rental.expire_invites() is
    'Remove invitations that ran out over 30 days ago, and return how many. For cron; idempotent and safe beside itself. Errors: none.';

-- rental.get_contractor_results: the stored search results of a ticket, unless they are stale.

create or replace function rental.get_contractor_results(p_ticket_id uuid, p_max_age interval default '1 day') returns jsonb
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();

    return (
        select r.results
          from rental.contractor_search_results as r
         where r.ticket_id = p_ticket_id
           and r.updated_at >= now() - p_max_age
         order by r.updated_at desc, r.id
         limit 1);
end
$fn$;

revoke execute on function rental.get_contractor_results(uuid, interval) from public;
grant execute on function rental.get_contractor_results(uuid, interval) to app_user;

comment on function rental.get_contractor_results(uuid, interval) is
    'The newest search results of an own ticket; null when there are none, they are older than p_max_age or the ticket is '
    'not yours. Reads only. Errors: PT401 not signed in, PT403 no landlord in the context.';

-- rental.get_user_roles: what a person is on the landlord platform, in one statement.

-- Definer: the answer draws on rows of every landlord the person has to do with.
-- Kept for five minutes in the person's own room of the cache; triggers on the three tables make it stale at once.
create or replace function rental.get_user_roles(p_user_id uuid default null) returns text[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_caller  uuid := core.require_user();
    v_user_id uuid := coalesce(p_user_id, v_caller);
    v_cached  jsonb;
    v_roles   text[];
begin
    if v_user_id <> v_caller
       and not exists (
           select
             from core.users as u
            where u.id = v_caller
              and u.platform_role = 'super_admin')
    then
        perform core.raise_error('PT403', 'forbidden', 'Only platform administrators may ask for the roles of others.');
    end if;

    v_cached := core.cache_read(v_user_id, 'user_roles', 'all');
    if v_cached is not null then
        return array(select role.key from jsonb_array_elements_text(v_cached) with ordinality as role (key, n) order by role.n);
    end if;

    -- Someone who is nothing else is what their profile says; without a profile, nothing.
    v_roles := (
        select coalesce(
                   nullif(array_remove(array[
                       case when p.role = 'ADMIN' then 'ADMIN' end,
                       case when p.role = 'OWNER'
                              or exists (select from rental.units as u where u.owner_user_id = asked.user_id)
                            then 'OWNER' end,
                       case when exists (select from rental.tenants as t where t.user_id = asked.user_id)
                            then 'TENANT' end
                   ], null), '{}'),
                   case when p.role is not null then array[p.role] end,
                   '{}')
          from (select v_user_id as user_id) as asked
          left join rental.user_profiles as p
            on p.user_id = asked.user_id);
    perform core.cache_write(v_user_id, 'user_roles', 'all', '', to_jsonb(v_roles));
    return v_roles;
end
$fn$;

alter function rental.get_user_roles(uuid) owner to app_definer;

revoke execute on function rental.get_user_roles(uuid) from public;
grant execute on function rental.get_user_roles(uuid) to app_user;

comment on function rental.get_user_roles(uuid) is
    'The roles of the caller, or for platform administrators of anyone: ADMIN, OWNER, TENANT; empty for an unknown user. '
    'Idempotent. Errors: PT401 not signed in, PT403 roles of another.';

-- rental.hash_invite_token: what is stored of an invitation's token.

create or replace function rental.hash_invite_token(p_token text) returns text
    language sql immutable strict parallel safe
    set search_path = pg_catalog, pg_temp
    return encode(sha256(convert_to(p_token, 'UTF8')), 'hex');

revoke execute on function rental.hash_invite_token(text) from public;
grant execute on function rental.hash_invite_token(text) to app_user, app_definer;

comment on function rental.hash_invite_token(text) is
    'SHA-256 of a token, in hex: the form tenant_invites keeps. Reads nothing. Errors: none; null for null.';

-- rental.import_row: one row of a bulk call, written or refused.

create or replace function rental.import_row(p_kind text, p_row jsonb, p_batch_id uuid default null) returns uuid
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_columns constant text[] := case p_kind
        when 'tenants' then array['firstName', 'lastName', 'email', 'unitId']
        when 'units' then array['name', 'address1', 'address2', 'city', 'state', 'postalCode', 'externalRef']
    end;
    v_unknown text;
    v_unit_id text;
begin
    if jsonb_typeof(p_row) is distinct from 'object' then
        perform core.raise_error('PT422', 'invalid', 'The row is no object.');
    end if;
    select key into v_unknown from jsonb_object_keys(p_row) as key where key <> all (c_columns) order by key limit 1;
    if found then
        perform core.raise_error('PT422', 'invalid', format('There is no field %s; known are %s.', v_unknown, array_to_string(c_columns, ', ')));
    end if;

    if p_kind = 'units' then
        return (rental.create_unit(
            p_name         => rental.import_text(p_row, 'name', true),
            p_address1     => rental.import_text(p_row, 'address1', true),
            p_city         => rental.import_text(p_row, 'city', true),
            p_state        => rental.import_text(p_row, 'state', true),
            p_postal_code  => rental.import_text(p_row, 'postalCode', true),
            p_address2     => rental.import_text(p_row, 'address2'),
            p_external_ref => rental.import_text(p_row, 'externalRef'))).id;
    end if;

    v_unit_id := rental.import_text(p_row, 'unitId');
    if not coalesce(core.is_valid_email(lower(rental.import_text(p_row, 'email', true))), false) then
        perform core.raise_error('PT422', 'invalid', 'email is no valid address.');
    elsif v_unit_id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        perform core.raise_error('PT422', 'invalid', 'unitId is no UUID.');
    end if;
    return (
        select i.invite_id
          from rental.create_tenant_invite(
              p_first_name => rental.import_text(p_row, 'firstName', true),
              p_last_name  => rental.import_text(p_row, 'lastName', true),
              p_email      => rental.import_text(p_row, 'email', true),
              p_unit_id    => v_unit_id::uuid,
              p_batch_id   => p_batch_id) as i);
end
$fn$;

revoke execute on function rental.import_row(text, jsonb, uuid) from public;
grant execute on function rental.import_row(text, jsonb, uuid) to app_user;

comment on function rental.import_row(text, jsonb, uuid) is
    'Write one row of an import of kind tenants or units, and return the id of the invitation or unit; p_batch_id as in '
    'rental.create_tenant_invite. Idempotent for tenants: the invitation is renewed; each call for units adds one. Errors: PT422 a field is '
    'missing, unknown or malformed, and those of rental.create_tenant_invite and rental.create_unit.';

-- rental.import_rows: the frame of the bulk calls. A bad row costs itself and no other.

create or replace function rental.import_rows(p_kind text, p_rows jsonb) returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_name_field constant text := case p_kind when 'tenants' then 'email' else 'name' end;
    c_id_field   constant text := case p_kind when 'tenants' then 'inviteId' else 'unitId' end;
    v_batch_id   uuid;
    v_row        jsonb;
    v_row_no     integer;
    v_id         uuid;
    v_name       text;
    v_seen       text[] := '{}';
    v_detail     text;
    v_constraint text;
    v_success    jsonb := '[]';
    v_failed     jsonb := '[]';
    v_result     jsonb;
begin
    v_batch_id := rental.begin_import(p_kind, case when jsonb_typeof(p_rows) = 'array' then jsonb_array_length(p_rows) end);

    for v_row, v_row_no in
        select e.value, e.ordinality::integer
          from jsonb_array_elements(p_rows) with ordinality as e
    loop
        v_name := case when jsonb_typeof(v_row) = 'object' then btrim(v_row ->> c_name_field) end;
        begin
            if p_kind = 'tenants' and lower(v_name) = any (v_seen) then
                perform core.raise_error('PT422', 'invalid', 'This address stands in an earlier row of the call.');
            end if;
            v_seen := v_seen || lower(v_name);
            v_id := rental.import_row(p_kind, v_row, v_batch_id);
            v_success := v_success || jsonb_build_object('row', v_row_no, c_name_field, v_name, c_id_field, v_id);
        exception
            -- These are about the moment and not about the row: the whole call is tried again.
            when serialization_failure or deadlock_detected or lock_not_available then
                raise;
            when others then
                get stacked diagnostics v_detail = pg_exception_detail, v_constraint = constraint_name;
                if sqlstate !~ '^PT4' then
                    v_detail := (select i.message from core.error_info(sqlstate, v_constraint) as i);
                end if;
                v_failed := v_failed || jsonb_build_object('row', v_row_no, c_name_field, v_name, 'error', v_detail);
        end;
    end loop;

    v_result := jsonb_build_object(
        'total', jsonb_array_length(p_rows),
        'successful', jsonb_array_length(v_success),
        'failed', jsonb_array_length(v_failed),
        'results', jsonb_build_object('success', v_success, 'failed', v_failed));
    perform rental.record_import(v_batch_id, v_result);
    return v_result;
end
$fn$;

revoke execute on function rental.import_rows(text, jsonb) from public;
grant execute on function rental.import_rows(text, jsonb) to app_user;

comment on function rental.import_rows(text, jsonb) is
    'Write 1 to 100 rows of kind tenants or units, each by itself, and return {total, successful, failed, results: {success[], failed[]}} with '
    'the number of each row. Each call is another import. Errors: PT400 no array of 1 to 100, PT401 not signed in, PT403 no landlord in the '
    'context, PT429 too many calls (policy invites).';

-- rental.import_text: one field of an imported row.

create or replace function rental.import_text(p_row jsonb, p_key text, p_required boolean default false) returns text
    language plpgsql immutable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    -- A spreadsheet writes an absent value as an empty one.
    v_value text := nullif(btrim(p_row ->> p_key), '');
begin
    if jsonb_typeof(p_row -> p_key) in ('object', 'array') then
        perform core.raise_error('PT422', 'invalid', format('%s must be text.', p_key));
    elsif p_required and v_value is null then
        perform core.raise_error('PT422', 'invalid', format('%s is missing.', p_key));
    end if;
    return v_value;
end
$fn$;

revoke execute on function rental.import_text(jsonb, text, boolean) from public;
grant execute on function rental.import_text(jsonb, text, boolean) to app_user;

comment on function rental.import_text(jsonb, text, boolean) is
    'The trimmed text of a field of an imported row, null when empty or absent. Reads nothing. Errors: PT422 no text, or required and empty.';

-- rental.import_units: add up to 100 units in one call.

create or replace function rental.import_units(p_units jsonb) returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return rental.import_rows('units', p_units);
end
$fn$;

revoke execute on function rental.import_units(jsonb) from public;
grant execute on function rental.import_units(jsonb) to app_user;

comment on function rental.import_units(jsonb) is
    'Add up to 100 units in one call. Rows have name, address1, address2, city, state, postalCode and externalRef. A bad row is reported and costs no '
    'other. Not idempotent but for rows with externalRef. Returns {total, successful, failed, results: {success[], failed[]}}. Errors: PT400 not 1 to 100 '
    'rows, PT401 not signed in, PT403 no landlord in the context, PT429 too many calls (policy invites).';

-- rental.invite_email: the worker asks what to send for an invitation.

-- Definer: a worker serves every landlord and has no table rights.
create or replace function rental.invite_email(p_invite_id uuid) returns jsonb
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_url      text := (select s.value from core.app_settings as s where s.key = 'rental.invite_url');
    v_token    text := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
    v_invite   rental.tenant_invites;
    v_landlord text;
begin
    if coalesce(v_url, '') not like '%{token}%' then
        perform core.raise_error('PT503', 'unavailable', 'The setting rental.invite_url, an address that contains {token}, is missing.');
    end if;

    -- Drawn anew for every attempt: an attempt that failed may have been read, and a token rests in no job.
    update rental.tenant_invites as i
       set mail_token_hash = rental.hash_invite_token(v_token),
           sent_at = clock_timestamp()
     where i.id = p_invite_id
       and i.claimed_at is null
       and i.expires_at > now()
    returning i.* into v_invite;
    if not found then
        return null;
    end if;

    select coalesce(p.company_name, u.name)
      into v_landlord
      from core.users as u
      left join rental.user_profiles as p on p.user_id = u.id
     where u.id = v_invite.owner_user_id;
    return jsonb_build_object(
        'to', v_invite.email,
        -- a line break in a name would start another header
        'subject', regexp_replace(format('%s invites you', v_landlord), '[[:cntrl:]]+', ' ', 'g'),
        'text', format(
            E'%s invites you to see your home, rent and repairs online.\n\n%s\n\nThe link is good until %s UTC and only for this address.\n',
            v_landlord,
            replace(v_url, '{token}', v_token),
            to_char(v_invite.expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')));
end
$fn$;

alter function rental.invite_email(uuid) owner to app_definer;
revoke execute on function rental.invite_email(uuid) from public;
grant execute on function rental.invite_email(uuid) to app_worker;

comment on function rental.invite_email(uuid) is
    'The e-mail of an open invitation as {to, subject, text}, with a token of its own that replaces that of the e-mail before; null when '
    'the invitation is claimed, expired or gone. Each call draws a token. Errors: PT503 the setting rental.invite_url is missing.';

-- rental.list_contractors: a page of the landlord's address book.

create or replace function rental.list_contractors(p_page integer default 1, p_limit integer default 50) returns jsonb
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_limit  integer;
    v_offset integer;
begin
    perform core.require_tenant();
    select p.lim, p.off into v_limit, v_offset from core.page(p_page, p_limit) as p;

    return jsonb_build_object(
        'contractors', coalesce((
            select jsonb_agg(
                       jsonb_build_object(
                           'id', c.id,
                           'name', c.name,
                           'trade', c.trade,
                           'email', c.email,
                           'phone', c.phone,
                           'is_active', c.is_active)
                       order by c.name, c.id)
              from (
                  select c.id, c.name, c.trade, c.email, c.phone, c.is_active
                    from rental.contractors as c
                   order by c.name, c.id
                   limit v_limit offset v_offset
              ) as c), '[]'),
        'pagination', core.page_meta(p_page, v_limit, (select count(*) from rental.contractors)));
end
$fn$;

revoke execute on function rental.list_contractors(integer, integer) from public;
grant execute on function rental.list_contractors(integer, integer) to app_user;

comment on function rental.list_contractors(integer, integer) is
    'A page of the landlord''s contractors by name, as {contractors, pagination}. Reads only. Errors: PT400 page below 1, '
    'PT401 not signed in, PT403 no landlord in the context.';

-- rental.list_tenants: a page of the landlord's renters.

create or replace function rental.list_tenants(
    p_page    integer default 1,
    p_limit   integer default 50,
    p_unit_id uuid default null
) returns jsonb
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_limit  integer;
    v_offset integer;
begin
    perform core.require_tenant();
    select p.lim, p.off into v_limit, v_offset from core.page(p_page, p_limit) as p;

    return jsonb_build_object(
        'tenants', coalesce((
            select jsonb_agg(
                       jsonb_build_object(
                           'id', t.id,
                           'first_name', t.first_name,
                           'last_name', t.last_name,
                           'email', t.email,
                           'phone', t.phone,
                           'unit_id', t.unit_id)
                       order by t.last_name, t.first_name, t.id)
              from (
                  select t.id, t.first_name, t.last_name, t.email, t.phone, t.unit_id
                    from rental.tenants as t
                   where p_unit_id is null or t.unit_id = p_unit_id
                   order by t.last_name, t.first_name, t.id
                   limit v_limit offset v_offset
              ) as t), '[]'),
        'pagination', core.page_meta(p_page, v_limit, (
            select count(*)
              from rental.tenants as t
             where p_unit_id is null or t.unit_id = p_unit_id)));
end
$fn$;

revoke execute on function rental.list_tenants(integer, integer, uuid) from public;
grant execute on function rental.list_tenants(integer, integer, uuid) to app_user;

comment on function rental.list_tenants(integer, integer, uuid) is
    'A page of the landlord''s renters by name, of one unit or of all, as {tenants, pagination}. Reads only. Errors: PT400 '
    'page below 1, PT401 not signed in, PT403 no landlord in the context.';

-- rental.list_tickets: a page of the tickets the caller may see: a landlord's, or a renter's own.

create or replace function rental.list_tickets(
    p_page    integer default 1,
    p_limit   integer default 50,
    p_status  text default null,
    p_unit_id uuid default null
) returns jsonb
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_limit  integer;
    v_offset integer;
begin
    -- Renters act without a tenant; for everyone else no tenant means no landlord, which is an error and not an empty list.
    if current_user = 'app_renter' then
        perform core.require_user();
    else
        perform core.require_tenant();
    end if;
    select p.lim, p.off into v_limit, v_offset from core.page(p_page, p_limit) as p;

    return jsonb_build_object(
        'tickets', coalesce((
            select jsonb_agg(
                       jsonb_build_object(
                           'id', t.id,
                           'title', t.title,
                           'status', t.status,
                           'priority', t.priority,
                           'unit_id', t.unit_id,
                           'tenant_id', t.tenant_id,
                           'contractor_id', t.contractor_id,
                           'version', t.version,
                           'created_at', t.created_at)
                       order by t.created_at desc, t.id desc)
              from (
                  select t.id, t.title, t.status, t.priority, t.unit_id, t.tenant_id, t.contractor_id, t.version, t.created_at
                    from rental.tickets as t
                   where (p_status is null or t.status = p_status)
                     and (p_unit_id is null or t.unit_id = p_unit_id)
                   order by t.created_at desc, t.id desc
                   limit v_limit offset v_offset
              ) as t), '[]'),
        'pagination', core.page_meta(p_page, v_limit, (
            select count(*)
              from rental.tickets as t
             where (p_status is null or t.status = p_status)
               and (p_unit_id is null or t.unit_id = p_unit_id))));
end
$fn$;

revoke execute on function rental.list_tickets(integer, integer, text, uuid) from public;
grant execute on function rental.list_tickets(integer, integer, text, uuid) to app_user, app_renter;

comment on function rental.list_tickets(integer, integer, text, uuid) is
    'A page of the caller''s tickets, newest first, as {tickets, pagination}. Reads only. Errors: PT400 page below 1, PT401'
    ' not signed in, PT403 no landlord in the context.';

-- rental.list_units: a page of the landlord's units.

create or replace function rental.list_units(p_page integer default 1, p_limit integer default 50) returns jsonb
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_limit  integer;
    v_offset integer;
begin
    perform core.require_tenant();
    select p.lim, p.off into v_limit, v_offset from core.page(p_page, p_limit) as p;

    return jsonb_build_object(
        'units', coalesce((
            select jsonb_agg(
                       jsonb_build_object(
                           'id', u.id,
                           'name', u.name,
                           'address1', u.address1,
                           'city', u.city,
                           'state', u.state,
                           'postal_code', u.postal_code)
                       order by u.name, u.id)
              from (
                  select u.id, u.name, u.address1, u.city, u.state, u.postal_code
                    from rental.units as u
                   order by u.name, u.id
                   limit v_limit offset v_offset
              ) as u), '[]'),
        'pagination', core.page_meta(p_page, v_limit, (select count(*) from rental.units)));
end
$fn$;

revoke execute on function rental.list_units(integer, integer) from public;
grant execute on function rental.list_units(integer, integer) to app_user;

comment on function rental.list_units(integer, integer) is
    'A page of the landlord''s units by name, as {units, pagination}. Reads only. Errors: PT400 page below 1, PT401 not '
    'signed in, PT403 no landlord in the context.';

-- rental.my_tenant_row_ids: the caller's rows in rental.tenants, one per landlord.

-- Definer: the renters' policies ask, and rental.tenants must not send them back through its own policy.
create or replace function rental.my_tenant_row_ids() returns uuid[]
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.current_user_id();
begin
    return array(
        select t.id
          from rental.tenants as t
         where t.user_id = v_user_id);
end
$fn$;

alter function rental.my_tenant_row_ids() owner to app_definer;

revoke execute on function rental.my_tenant_row_ids() from public;
grant execute on function rental.my_tenant_row_ids() to app_renter;

comment on function rental.my_tenant_row_ids() is
    'The ids of the caller''s own rows in rental.tenants; empty when not signed in. Reads only, no errors.';

-- rental.my_unit_ids: the units the caller lives in or rents.

-- Definer: the renters' policies ask, and the tables must not send them back through their own policies.
create or replace function rental.my_unit_ids() returns uuid[]
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.current_user_id();
begin
    return array(
        select t.unit_id
          from rental.tenants as t
         where t.user_id = v_user_id
           and t.unit_id is not null
           -- After notice nobody has to move the renter out: see rental.end_tenancy().
           and not exists (
               select
                 from rental.tenancies as l
                where l.owner_user_id = t.owner_user_id
                  and l.tenant_id = t.id
                  and l.unit_id = t.unit_id
                  and l.status = 'ACTIVE'
                  and l.end_date < current_date)
        union
        select l.unit_id
          from rental.tenants as t
          join rental.tenancies as l
            on l.owner_user_id = t.owner_user_id
           and l.tenant_id = t.id
         where t.user_id = v_user_id
           and l.status = 'ACTIVE'
           and (l.end_date is null or l.end_date >= current_date));
end
$fn$;

alter function rental.my_unit_ids() owner to app_definer;

revoke execute on function rental.my_unit_ids() from public;
grant execute on function rental.my_unit_ids() to app_renter;

comment on function rental.my_unit_ids() is
    'The ids of the units the caller lives in or has an active tenancy of; empty when not signed in. Reads only, no errors.';

-- rental.portal_tickets: the renter's own tickets, page after page by cursor.

create or replace function rental.portal_tickets(p_limit integer default 50, p_cursor text default null)
    returns setof rental.tickets
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_after jsonb;
    v_limit integer;
begin
    perform core.require_user();
    select p.lim into v_limit from core.page(1, p_limit) as p;
    v_after := core.decode_cursor(p_cursor, '{"created_at": "timestamptz", "id": "uuid"}');

    return query
        select t.*
          from rental.tickets as t
         where (t.created_at, t.id) < (
                   coalesce((v_after ->> 'created_at')::timestamptz, 'infinity'),
                   coalesce((v_after ->> 'id')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
         order by t.created_at desc, t.id desc
         limit v_limit;
end
$fn$;

revoke execute on function rental.portal_tickets(integer, text) from public;
grant execute on function rental.portal_tickets(integer, text) to app_renter;

comment on function rental.portal_tickets(integer, text) is
    'The renter''s own tickets, newest first; the next page starts at rental.ticket_cursor() of the last row. Reads only. '
    'Errors: PT400 bad cursor, PT401 not signed in.';

-- rental.put_contractor_results: keep what a search for contractors found for a ticket.

create or replace function rental.put_contractor_results(p_ticket_id uuid, p_results jsonb)
    returns rental.contractor_search_results
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_row rental.contractor_search_results;
begin
    -- First searches of one ticket queue here, so that the second finds the row of the first.
    perform
      from rental.tickets as t
     where t.id = p_ticket_id
       for no key update;
    perform rental.authorize_ticket(p_ticket_id);
    if p_results is null or jsonb_typeof(p_results) <> 'array' then
        perform core.raise_error('PT422', 'invalid', 'Search results are a JSON array.', '{"results": "is not an array"}');
    end if;

    update rental.contractor_search_results as r
       set results = p_results
     where r.id = (
               select newest.id
                 from rental.contractor_search_results as newest
                where newest.ticket_id = p_ticket_id
                order by newest.updated_at desc, newest.id
                limit 1)
    returning r.* into v_row;
    if found then
        return v_row;
    end if;

    insert into rental.contractor_search_results as r
        (owner_user_id, ticket_id, results)
    values
        (core.require_tenant(), p_ticket_id, p_results)
    returning r.* into v_row;
    return v_row;
end
$fn$;

revoke execute on function rental.put_contractor_results(uuid, jsonb) from public;
grant execute on function rental.put_contractor_results(uuid, jsonb) to app_user;

comment on function rental.put_contractor_results(uuid, jsonb) is
    'Store the search results of an own ticket in place of earlier ones and return the row. Idempotent. Errors: PT401 not '
    'signed in, PT403 no such ticket or not yours, PT422 not an array.';

-- rental.queue_invite: the e-mail of an invitation, counted.

-- Definer: jobs of this type are queued here alone.
create or replace function rental.queue_invite(p_invite_id uuid, p_batch_id uuid default null) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner uuid := core.require_tenant();
begin
    -- whoever calls in a loop sends mail to strangers
    perform rental.count_invite(p_batch_id);

    perform
       from rental.tenant_invites as i
      where i.owner_user_id = v_owner
        and i.id = p_invite_id
        and i.claimed_at is null
        and i.expires_at > now();
    -- One error for a missing row and for another landlord's, so that nobody learns which ids exist.
    if not found then
        perform core.raise_error('PT403', 'forbidden', 'The invitation is not open, does not exist or is not yours.');
    end if;
    -- The message is written while it is sent, so no token ever lies in a job.
    return core.add_job(
        p_tenant      => v_owner,
        p_user        => core.current_user_id(),
        p_job_type    => 'tenant_invite',
        p_payload     => jsonb_build_object('invite_id', p_invite_id),
        p_priority    => null,
        p_run_at      => now(),
        p_dedupe_key  => p_invite_id::text,
        p_queue       => 'default',
        p_is_internal => true);
end
$fn$;

alter function rental.queue_invite(uuid, uuid) owner to app_definer;
revoke execute on function rental.queue_invite(uuid, uuid) from public;
grant execute on function rental.queue_invite(uuid, uuid) to app_user;

comment on function rental.queue_invite(uuid, uuid) is
    'Queue the e-mail of an open invitation, unless it waits already, and return the id of the job. Each call counts, by '
    'rental.count_invite. Errors: PT401 not signed in, PT403 no landlord in the context or no open invitation of yours, PT429 too many '
    'calls (policy invites).';

-- rental.record_import: the log of a bulk call.

-- Definer: readers of the log cannot write it.
create or replace function rental.record_import(p_batch_id uuid, p_result jsonb) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_owner uuid := core.require_tenant();
begin
    update rental.import_batches as b
       set successful = (p_result ->> 'successful')::integer,
           failed     = (p_result ->> 'failed')::integer,
           status     = 'completed',
           rows_left  = 0
     where b.owner_user_id = v_owner
       and b.id = p_batch_id
       and b.status = 'running';
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no import of yours under way with this id.');
    end if;

    insert into rental.import_errors (owner_user_id, batch_id, row_no, email, error)
    select v_owner, p_batch_id, f.row, f.email, f.error
      from jsonb_to_recordset(p_result #> '{results,failed}') as f (row integer, email text, error text);
end
$fn$;

alter function rental.record_import(uuid, jsonb) owner to app_definer;
revoke execute on function rental.record_import(uuid, jsonb) from public;
grant execute on function rental.record_import(uuid, jsonb) to app_user;

comment on function rental.record_import(uuid, jsonb) is
    'Keep the outcome of an import of the active landlord: its counts, and each refused row with the reason. Not idempotent: the second call '
    'is refused. Errors: PT401 not signed in, PT403 no landlord in the context, PT404 no such import under way, 23502 or 23514 malformed.';

-- rental.register_landlord: a signed-in user becomes a landlord, that is, a tenant of their own.

-- Definer: nobody else may create tenants, memberships or roles.
create or replace function rental.register_landlord(p_company_name text) returns rental.user_profiles
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.require_user();
    v_profile rental.user_profiles;
begin
    if coalesce(btrim(p_company_name), '') = '' then
        perform core.raise_error('PT422', 'invalid', 'A landlord has a company name.', '{"company_name": "must not be blank"}');
    end if;

    insert into core.tenants (id, system, name, owner_user_id)
    values (v_user_id, 'rental', btrim(p_company_name), v_user_id)
    on conflict (id) do nothing;

    insert into core.memberships (tenant_id, user_id, role_key, status, joined_at)
    values (v_user_id, v_user_id, 'OWNER', 'active', now())
    on conflict (tenant_id, user_id) do nothing;

    insert into rental.user_profiles (user_id)
    values (v_user_id)
    on conflict (user_id) do nothing;

    -- Only the first call moves the wizard on; later ones leave it where the user left it.
    update rental.user_profiles as p
       set role = case when p.role = 'ADMIN' then p.role else 'OWNER' end,
           company_name = btrim(p_company_name),
           onboarding_step = 'company'
     where p.user_id = v_user_id
       and p.onboarding_step = 'account';

    select p.* into strict v_profile
      from rental.user_profiles as p
     where p.user_id = v_user_id;
    return v_profile;
end
$fn$;

alter function rental.register_landlord(text) owner to app_definer;

revoke execute on function rental.register_landlord(text) from public;
grant execute on function rental.register_landlord(text) to app_user;

comment on function rental.register_landlord(text) is
    'Make the caller a landlord: tenant and membership under their own id, role OWNER, wizard at step company. Idempotent: '
    'a second call changes nothing. Errors: PT401 not signed in, PT422 blank company name.';

-- rental.require_onboarded: the gate for what a landlord may do only after the sign-up wizard.

create or replace function rental.require_onboarded() returns void
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid := core.require_user();
    v_step    text;
begin
    select p.onboarding_step into v_step
      from rental.user_profiles as p
     where p.user_id = v_user_id;

    if v_step is distinct from 'done' then
        perform core.raise_error('PT403', 'forbidden', 'The sign-up wizard is not finished.',
            jsonb_build_object('onboarding_step', coalesce(v_step, 'account'))::text);
    end if;
end
$fn$;

revoke execute on function rental.require_onboarded() from public;
grant execute on function rental.require_onboarded() to app_user;

comment on function rental.require_onboarded() is
    'Refuse a caller who has not finished the sign-up wizard, naming the step to go to. Reads only. Errors: PT401 not '
    'signed in, PT403 not onboarded.';

-- rental.require_patch: a patch is an object that names only columns it may change.

create or replace function rental.require_patch(p_patch jsonb, p_allowed text[]) returns void
    language plpgsql immutable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_unknown jsonb;
begin
    if p_patch is null or jsonb_typeof(p_patch) <> 'object' then
        perform core.raise_error('PT400', 'bad_request', 'The patch is not a JSON object.');
    end if;

    select jsonb_object_agg(k.key, 'cannot be changed')
      into v_unknown
      from jsonb_object_keys(p_patch) as k (key)
     where k.key <> all (p_allowed);

    if v_unknown is not null then
        perform core.raise_error('PT422', 'invalid', 'The patch names columns that cannot be changed.', v_unknown::text);
    end if;
end
$fn$;

revoke execute on function rental.require_patch(jsonb, text[]) from public;
grant execute on function rental.require_patch(jsonb, text[]) to app_user, app_definer;

comment on function rental.require_patch(jsonb, text[]) is
    'Check that a patch is a JSON object with allowed keys only. Computes only. Errors: PT400 not an object, PT422 unknown '
    'keys, named in the hint.';

-- rental.require_renter_values: what the CHECKs of rental.tenants demand, said per field before they refuse.

create or replace function rental.require_renter_values(p_values jsonb) returns void
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_errors jsonb;
begin
    select jsonb_object_agg(f.field, f.message)
      into v_errors
      from (values
          ('first_name', 'must not be empty', coalesce(p_values ->> 'first_name', '') <> ''),
          ('last_name', 'must not be empty', coalesce(p_values ->> 'last_name', '') <> ''),
          ('email', 'is not an e-mail address', coalesce(core.is_valid_email(p_values ->> 'email'), false)),
          ('phone', 'is not a phone number',
              p_values ->> 'phone' is null or core.normalize_phone(p_values ->> 'phone') is not null)
      ) as f (field, message, is_good)
     where p_values ? f.field
       and not f.is_good;

    if v_errors is not null then
        perform core.raise_error('PT422', 'invalid', 'Some values are not acceptable.', v_errors::text);
    end if;
end
$fn$;

revoke execute on function rental.require_renter_values(jsonb) from public;
grant execute on function rental.require_renter_values(jsonb) to app_user, app_definer;

comment on function rental.require_renter_values(jsonb) is
    'Check the values of a renter that the object names. Computes only. Errors: PT422 with one message per bad field in the'
    ' hint.';

-- rental.start_tenancy: the landlord lets a unit to a renter.

create or replace function rental.start_tenancy(
    p_unit_id   uuid,
    p_tenant_id uuid,
    p_start     date,
    p_end       date default null,
    p_rent      numeric default null
) returns rental.tenancies
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenancy rental.tenancies;
begin
    perform rental.authorize_unit(p_unit_id);
    perform rental.authorize_tenant(p_tenant_id);

    -- The trigger _150_refuse_overlap guards direct inserts as well.
    insert into rental.tenancies as l
        (owner_user_id, unit_id, tenant_id, start_date, end_date, rent_amount)
    values
        (core.require_tenant(), p_unit_id, p_tenant_id, p_start, p_end, p_rent)
    returning l.* into v_tenancy;

    if current_date between p_start and coalesce(p_end, 'infinity') then
        update rental.tenants as t
           set unit_id = p_unit_id
         where t.id = p_tenant_id
           and t.unit_id is distinct from p_unit_id;
    end if;
    return v_tenancy;
end
$fn$;

revoke execute on function rental.start_tenancy(uuid, uuid, date, date, numeric) from public;
grant execute on function rental.start_tenancy(uuid, uuid, date, date, numeric) to app_user;

comment on function rental.start_tenancy(uuid, uuid, date, date, numeric) is
    'Let an own unit to an own renter and return the tenancy; a tenancy that runs today moves the renter in. Not '
    'idempotent: a second call overlaps. Errors: PT401 not signed in, PT403 unit or renter not yours, PT409 overlaps an '
    'active tenancy, 23514 ends before it starts or negative rent.';

-- rental.sync_auth_user: the auth provider's webhook announces a user.

-- Definer: the worker holds no grants on people and profiles.
create or replace function rental.sync_auth_user(p_auth_subject text, p_email text, p_name text) returns core.users
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user core.users;
begin
    v_user := core.upsert_user(p_auth_subject, p_email, p_name, null);

    -- A new profile is a renter's; being a landlord takes rental.register_landlord().
    insert into rental.user_profiles (user_id)
    values (v_user.id)
    on conflict (user_id) do nothing;
    return v_user;
end
$fn$;

alter function rental.sync_auth_user(text, text, text) owner to app_definer;

revoke execute on function rental.sync_auth_user(text, text, text) from public;
grant execute on function rental.sync_auth_user(text, text, text) to app_worker;

comment on function rental.sync_auth_user(text, text, text) is
    'Create or update the user of an auth subject, with a profile, and return it. Idempotent. Errors: those of '
    'core.upsert_user().';

-- rental.tg_tenancies_refuse_overlap: a unit has one active tenancy at a time.

create or replace function rental.tg_tenancies_refuse_overlap() returns trigger
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if new.status <> 'ACTIVE' then
        return new;
    end if;

    -- The second of two tenancies sees the first only with a snapshot taken after the wait below. Serializable
    -- transactions find out by themselves; repeatable read would let the unit twice.
    if current_setting('transaction_isolation') = 'repeatable read' then
        perform core.raise_error('PT409', 'conflict',
            'A unit is let in read committed or serializable transactions, not in repeatable read.');
    end if;

    -- Two tenancies of one unit queue here, so that the second sees the first.
    perform
      from rental.units as u
     where u.owner_user_id = new.owner_user_id
       and u.id = new.unit_id
       for no key update;

    if exists (
        select
          from rental.tenancies as l
         where l.owner_user_id = new.owner_user_id
           and l.unit_id = new.unit_id
           and l.id <> new.id
           and l.status = 'ACTIVE'
           and l.start_date <= coalesce(new.end_date, 'infinity')
           and coalesce(l.end_date, 'infinity') >= new.start_date)
    then
        perform core.raise_error('PT409', 'conflict', 'The unit has another active tenancy in this period.');
    end if;
    return new;
end
$fn$;

revoke execute on function rental.tg_tenancies_refuse_overlap() from public;

comment on function rental.tg_tenancies_refuse_overlap() is
    'Trigger: refuse an active tenancy that overlaps another of the same unit. Errors: PT409 it overlaps, or the '
    'transaction is repeatable read.';

-- rental.ticket_cursor: where the page after this ticket starts.

create or replace function rental.ticket_cursor(p_ticket rental.tickets) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.encode_cursor(jsonb_build_object('created_at', p_ticket.created_at, 'id', p_ticket.id));
end
$fn$;

revoke execute on function rental.ticket_cursor(rental.tickets) from public;
grant execute on function rental.ticket_cursor(rental.tickets) to app_renter;

comment on function rental.ticket_cursor(rental.tickets) is
    'The cursor of the page after this ticket, for rental.portal_tickets(). Computes only, no errors of its own.';

-- rental.update_tenant: the landlord corrects a renter's name, address, phone or unit.

create or replace function rental.update_tenant(p_tenant_id uuid, p_patch jsonb) returns rental.tenants
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_patch  jsonb;
    v_tenant rental.tenants;
begin
    -- The address is part of a key, so the update locks harder than the check. Taken first, the lock makes two changes queue
    -- where they would deadlock.
    perform
      from rental.tenants as t
     where t.id = p_tenant_id
       for no key update;
    perform rental.authorize_tenant(p_tenant_id);
    perform rental.require_patch(p_patch, array['first_name', 'last_name', 'email', 'phone', 'unit_id']);
    perform rental.require_renter_values(p_patch);
    if p_patch ->> 'unit_id' is not null then
        perform rental.authorize_unit((p_patch ->> 'unit_id')::uuid);
    end if;

    v_patch := p_patch
        || case when p_patch ? 'email' then jsonb_build_object('email', lower(p_patch ->> 'email')) else '{}' end
        || case when p_patch ? 'phone' then jsonb_build_object('phone', core.normalize_phone(p_patch ->> 'phone')) else '{}' end;

    -- What the patch does not name keeps its value; a key with null sets null.
    update rental.tenants as t
       set (first_name, last_name, email, phone, unit_id) = (
               select r.first_name, r.last_name, r.email, r.phone, r.unit_id
                 from jsonb_populate_record(t, v_patch) as r)
     where t.id = p_tenant_id
    returning t.* into v_tenant;
    return v_tenant;
end
$fn$;

revoke execute on function rental.update_tenant(uuid, jsonb) from public;
grant execute on function rental.update_tenant(uuid, jsonb) to app_user;

comment on function rental.update_tenant(uuid, jsonb) is
    'Change the named columns of an own renter and return it; e-mail and phone are stored in their normal form. Idempotent.'
    ' Errors: PT400 not an object, PT401 not signed in, PT403 renter or unit not yours, PT422 unknown keys or bad values, '
    'named in the hint, 23505 another renter has the address.';

-- rental.update_ticket: the landlord changes a ticket, if nobody changed it in between.

create or replace function rental.update_ticket(p_ticket_id uuid, p_patch jsonb, p_version integer) returns rental.tickets
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform rental.authorize_ticket(p_ticket_id);

    return jsonb_populate_record(
        null::rental.tickets,
        core.optimistic_update(
            'rental.tickets', p_ticket_id, p_patch, p_version,
            array['title', 'description', 'status', 'priority', 'contractor_id']));
end
$fn$;

revoke execute on function rental.update_ticket(uuid, jsonb, integer) from public;
grant execute on function rental.update_ticket(uuid, jsonb, integer) to app_user;

comment on function rental.update_ticket(uuid, jsonb, integer) is
    'Change the named columns of an own ticket that still has the version the caller read, and return it. Not idempotent: '
    'the version moves. Errors: PT401 not signed in, PT403 no such ticket or not yours, PT409 version moved, the hint has '
    'the current one, PT422 unknown keys, 23514 unknown status or priority.';

-- rental.update_unit: the landlord changes some columns of a unit.

create or replace function rental.update_unit(p_unit_id uuid, p_patch jsonb) returns rental.units
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_unit rental.units;
begin
    perform rental.authorize_unit(p_unit_id);
    perform rental.require_patch(p_patch,
        array['name', 'address1', 'address2', 'city', 'state', 'postal_code', 'external_ref']);

    -- What the patch does not name keeps its value; a key with null sets null.
    update rental.units as u
       set (name, address1, address2, city, state, postal_code, external_ref) = (
               select r.name, r.address1, r.address2, r.city, r.state, r.postal_code, r.external_ref
                 from jsonb_populate_record(u, p_patch) as r)
     where u.id = p_unit_id
    returning u.* into v_unit;
    return v_unit;
end
$fn$;

revoke execute on function rental.update_unit(uuid, jsonb) from public;
grant execute on function rental.update_unit(uuid, jsonb) to app_user;

comment on function rental.update_unit(uuid, jsonb) is
    'Change the named columns of an own unit and return it. Idempotent. Errors: PT400 not an object, PT401 not signed in, '
    'PT403 no such unit or not yours, PT422 unknown keys, 23502 a required value is null, 23505 the reference exists.';

-- rental.contractor_search_results: landlords keep the search results of their own tickets.

alter table rental.contractor_search_results enable row level security;
alter table rental.contractor_search_results force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.contractor_search_results
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_contractor_search_results on rental.contractor_search_results
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_contractor_search_results on rental.contractor_search_results
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_contractor_search_results on rental.contractor_search_results
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

-- A member who only helps out may change rows but not remove them.
create policy owners_can_delete_own_contractor_search_results on rental.contractor_search_results
    for delete to app_user
    using (
        owner_user_id = (select core.active_tenant_id())
        and (select core.has_role('ADMIN'))
    );

comment on policy system_all on rental.contractor_search_results is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_contractor_search_results on rental.contractor_search_results is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_contractor_search_results on rental.contractor_search_results is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_contractor_search_results on rental.contractor_search_results is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_contractor_search_results on rental.contractor_search_results is 'A landlord deletes own rows.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.contractor_search_results to app_user;
grant insert (owner_user_id, ticket_id, results) on rental.contractor_search_results to app_user;
grant update (results) on rental.contractor_search_results to app_user;
grant select on rental.contractor_search_results to app_readonly;

create trigger _100_tenant_immutable
    before update on rental.contractor_search_results
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.contractor_search_results
    for each row execute function core.tg_touch_updated_at();

-- rental.contractors: landlords keep their own address book.

alter table rental.contractors enable row level security;
alter table rental.contractors force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.contractors
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_contractors on rental.contractors
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_contractors on rental.contractors
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_contractors on rental.contractors
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

-- A member who only helps out may change rows but not remove them.
create policy owners_can_delete_own_contractors on rental.contractors
    for delete to app_user
    using (
        owner_user_id = (select core.active_tenant_id())
        and (select core.has_role('ADMIN'))
    );

comment on policy system_all on rental.contractors is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_contractors on rental.contractors is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_contractors on rental.contractors is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_contractors on rental.contractors is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_contractors on rental.contractors is 'A landlord deletes own rows.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.contractors to app_user;
grant insert (owner_user_id, name, trade, email, phone, is_active) on rental.contractors to app_user;
grant update (name, trade, email, phone, is_active) on rental.contractors to app_user;
grant select on rental.contractors to app_readonly;

create trigger _100_tenant_immutable
    before update on rental.contractors
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.contractors
    for each row execute function core.tg_touch_updated_at();

select core.attach_audit('rental.contractors', 'core.audit_log', 'owner_user_id');

-- rental.import_batches: landlords follow their own imports.

alter table rental.import_batches enable row level security;
alter table rental.import_batches force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.import_batches
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_import_batches on rental.import_batches
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_import_batches on rental.import_batches
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_import_batches on rental.import_batches
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

-- A member who only helps out may change rows but not remove them.
create policy owners_can_delete_own_import_batches on rental.import_batches
    for delete to app_user
    using (
        owner_user_id = (select core.active_tenant_id())
        and (select core.has_role('ADMIN'))
    );

comment on policy system_all on rental.import_batches is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_import_batches on rental.import_batches is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_import_batches on rental.import_batches is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_import_batches on rental.import_batches is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_import_batches on rental.import_batches is 'A landlord deletes own rows.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.import_batches to app_user;
grant insert (owner_user_id, kind, file_name, total, successful, failed, status) on rental.import_batches to app_user;
grant update (file_name, total, successful, failed, status) on rental.import_batches to app_user;
grant select on rental.import_batches to app_readonly;

create trigger _100_tenant_immutable
    before update on rental.import_batches
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.import_batches
    for each row execute function core.tg_touch_updated_at();

-- rental.import_errors: an append-only log that landlords read; the import functions write it.

alter table rental.import_errors enable row level security;
alter table rental.import_errors force row level security;

-- Forced row security binds the owner, too; foreign keys and definer functions pass here.
create policy system_all on rental.import_errors
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_import_errors on rental.import_errors
    for select to app_user, app_readonly
    using (
        owner_user_id = (select core.active_tenant_id())
        and (select core.has_permission('audit.view'))
    );

comment on policy system_all on rental.import_errors is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_import_errors on rental.import_errors is
    'A landlord, or a member who may read logs, sees what an import refused.';

-- No insert, update or delete: a log that its readers can edit is no log.
grant select on rental.import_errors to app_user, app_readonly;

create trigger _100_tenant_immutable
    before update on rental.import_errors
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

-- rental.tenancies: landlords keep their own tenancies, a renter sees own ones.

alter table rental.tenancies enable row level security;
alter table rental.tenancies force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.tenancies
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_tenancies on rental.tenancies
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_tenancies on rental.tenancies
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_tenancies on rental.tenancies
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_delete_own_tenancies on rental.tenancies
    for delete to app_user
    using (owner_user_id = (select core.active_tenant_id()));

create policy renters_can_view_own_tenancies on rental.tenancies
    for select to app_renter
    using (tenant_id = any ((select rental.my_tenant_row_ids())::uuid[]));

comment on policy system_all on rental.tenancies is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_tenancies on rental.tenancies is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_tenancies on rental.tenancies is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_tenancies on rental.tenancies is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_tenancies on rental.tenancies is 'A landlord deletes own rows.';
comment on policy renters_can_view_own_tenancies on rental.tenancies is 'A renter sees own tenancies.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.tenancies to app_user;
grant insert (owner_user_id, unit_id, tenant_id, start_date, end_date, rent_amount, status) on rental.tenancies to app_user;
grant update (unit_id, tenant_id, start_date, end_date, rent_amount, status) on rental.tenancies to app_user;
grant select on rental.tenancies to app_readonly;
grant select on rental.tenancies to app_renter;

create trigger _100_tenant_immutable
    before update on rental.tenancies
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _150_refuse_overlap
    before insert or update of unit_id, start_date, end_date, status on rental.tenancies
    for each row execute function rental.tg_tenancies_refuse_overlap();

create trigger _300_touch_updated_at
    before update on rental.tenancies
    for each row execute function core.tg_touch_updated_at();

select core.attach_audit('rental.tenancies', 'core.audit_log', 'owner_user_id');

-- rental.tenant_invites: landlords invite their own renters.

alter table rental.tenant_invites enable row level security;
alter table rental.tenant_invites force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.tenant_invites
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_tenant_invites on rental.tenant_invites
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_tenant_invites on rental.tenant_invites
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_tenant_invites on rental.tenant_invites
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

-- A member who only helps out may change rows but not remove them.
create policy owners_can_delete_own_tenant_invites on rental.tenant_invites
    for delete to app_user
    using (
        owner_user_id = (select core.active_tenant_id())
        and (select core.has_role('ADMIN'))
    );

comment on policy system_all on rental.tenant_invites is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_tenant_invites on rental.tenant_invites is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_tenant_invites on rental.tenant_invites is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_tenant_invites on rental.tenant_invites is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_tenant_invites on rental.tenant_invites is 'A landlord deletes own rows.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.tenant_invites to app_user;
grant insert (owner_user_id, tenant_id, unit_id, email, token_hash, expires_at, sent_at) on rental.tenant_invites to app_user;
grant update (unit_id, email, token_hash, expires_at, sent_at) on rental.tenant_invites to app_user;
grant select on rental.tenant_invites to app_readonly;
-- No grant on claimed_at: only the renter's claim writes it.

create trigger _100_tenant_immutable
    before update on rental.tenant_invites
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.tenant_invites
    for each row execute function core.tg_touch_updated_at();

select core.attach_audit('rental.tenant_invites', 'core.audit_log', 'owner_user_id', p_redact => '{token_hash,mail_token_hash}');

-- rental.tenant_owner_quarantine: closed. It holds renters of nobody, so no landlord may read it.

alter table rental.tenant_owner_quarantine enable row level security;
alter table rental.tenant_owner_quarantine force row level security;

-- Forced row security binds the owner, too; the backfill passes here.
create policy system_all on rental.tenant_owner_quarantine
    for all to app_owner, app_definer
    using (true)
    with check (true);

-- Restrictive, so that no later policy or grant opens the table by itself.
create policy closed on rental.tenant_owner_quarantine
    as restrictive for all to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on rental.tenant_owner_quarantine is 'Owner and definer functions see every row.';
comment on policy closed on rental.tenant_owner_quarantine is 'No application role reads or writes the quarantine.';

-- No grants: a DBA reads the quarantine.

-- rental.tenants: landlords keep their own renters, a renter sees own rows.

alter table rental.tenants enable row level security;
alter table rental.tenants force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.tenants
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_tenants on rental.tenants
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_tenants on rental.tenants
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_tenants on rental.tenants
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_delete_own_tenants on rental.tenants
    for delete to app_user
    using (owner_user_id = (select core.active_tenant_id()));

create policy renters_can_view_own_profile on rental.tenants
    for select to app_renter
    using (user_id = (select core.current_user_id()));

comment on policy system_all on rental.tenants is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_tenants on rental.tenants is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_tenants on rental.tenants is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_tenants on rental.tenants is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_tenants on rental.tenants is 'A landlord deletes own rows.';
comment on policy renters_can_view_own_profile on rental.tenants is 'A renter sees own rows, one per landlord.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.tenants to app_user;
grant insert (owner_user_id, first_name, last_name, email, phone, unit_id) on rental.tenants to app_user;
grant update (first_name, last_name, email, phone, unit_id) on rental.tenants to app_user;
grant select on rental.tenants to app_readonly;
-- No grant on user_id: only the claim of an invite ties a renter to a login.
grant select on rental.tenants to app_renter;

create trigger _100_tenant_immutable
    before update on rental.tenants
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.tenants
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on rental.tenants
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_update
    after update on rental.tenants
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_delete
    after delete on rental.tenants
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_truncate
    after truncate on rental.tenants
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');

select core.attach_audit('rental.tenants', 'core.audit_log', 'owner_user_id');

-- rental.tickets: landlords keep their own tickets, a renter sees own ones and opens new ones.

alter table rental.tickets enable row level security;
alter table rental.tickets force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.tickets
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_tickets on rental.tickets
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_tickets on rental.tickets
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_tickets on rental.tickets
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_delete_own_tickets on rental.tickets
    for delete to app_user
    using (owner_user_id = (select core.active_tenant_id()));

create policy renters_can_view_own_tickets on rental.tickets
    for select to app_renter
    using (tenant_id = any ((select rental.my_tenant_row_ids())::uuid[]));

-- That unit and renter belong to the landlord named is what the composite foreign keys check.
create policy renters_can_open_tickets on rental.tickets
    for insert to app_renter
    with check (
        tenant_id = any ((select rental.my_tenant_row_ids())::uuid[])
        and unit_id = any ((select rental.my_unit_ids())::uuid[])
    );

comment on policy system_all on rental.tickets is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_tickets on rental.tickets is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_tickets on rental.tickets is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_tickets on rental.tickets is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_tickets on rental.tickets is 'A landlord deletes own rows.';
comment on policy renters_can_view_own_tickets on rental.tickets is 'A renter sees own tickets.';
comment on policy renters_can_open_tickets on rental.tickets is 'A renter opens tickets in own name for a unit they live in or rent.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.tickets to app_user;
grant insert (owner_user_id, unit_id, tenant_id, title, description, status, priority, contractor_id) on rental.tickets to app_user;
grant update (unit_id, tenant_id, title, description, status, priority, contractor_id) on rental.tickets to app_user;
grant select on rental.tickets to app_readonly;
-- A renter opens tickets: status and contractor are the landlord's, and there is no update or delete.
grant select on rental.tickets to app_renter;
grant insert (owner_user_id, unit_id, tenant_id, title, description, priority) on rental.tickets to app_renter;

create trigger _100_tenant_immutable
    before update on rental.tickets
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _200_bump_version
    before update on rental.tickets
    for each row execute function core.tg_bump_version();

create trigger _300_touch_updated_at
    before update on rental.tickets
    for each row execute function core.tg_touch_updated_at();

-- Live boards: every member of the landlord's tenant may read all of these columns.
create trigger _600_outbox_insert
    after insert on rental.tickets
    referencing new table as changed_rows
    for each statement execute function core.tg_outbox('tickets', 'owner_user_id', '{id}',
        '{owner_user_id,id,unit_id,tenant_id,title,description,status,priority,contractor_id,created_at,updated_at,version}');

create trigger _600_outbox_update
    after update on rental.tickets
    referencing new table as changed_rows
    for each statement execute function core.tg_outbox('tickets', 'owner_user_id', '{id}',
        '{owner_user_id,id,unit_id,tenant_id,title,description,status,priority,contractor_id,created_at,updated_at,version}');

create trigger _600_outbox_delete
    after delete on rental.tickets
    referencing old table as changed_rows
    for each statement execute function core.tg_outbox('tickets', 'owner_user_id', '{id}',
        '{owner_user_id,id,unit_id,tenant_id,title,description,status,priority,contractor_id,created_at,updated_at,version}');

select core.attach_audit('rental.tickets', 'core.audit_log', 'owner_user_id');

-- rental.units: landlords keep their own units, renters see the ones they rent.

alter table rental.units enable row level security;
alter table rental.units force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.units
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_units on rental.units
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_units on rental.units
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_units on rental.units
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_delete_own_units on rental.units
    for delete to app_user
    using (owner_user_id = (select core.active_tenant_id()));

create policy renters_can_view_leased_units on rental.units
    for select to app_renter
    using (id = any ((select rental.my_unit_ids())::uuid[]));

comment on policy system_all on rental.units is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_units on rental.units is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_units on rental.units is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_units on rental.units is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_units on rental.units is 'A landlord deletes own rows.';
comment on policy renters_can_view_leased_units on rental.units is 'A renter sees the units they live in or rent.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.units to app_user;
grant insert (owner_user_id, name, address1, address2, city, state, postal_code, external_ref) on rental.units to app_user;
grant update (name, address1, address2, city, state, postal_code, external_ref) on rental.units to app_user;
grant select on rental.units to app_readonly;
grant select on rental.units to app_renter;

create trigger _100_tenant_immutable
    before update on rental.units
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.units
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on rental.units
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'owner_user_id');
create trigger _700_cache_invalidate_update
    after update on rental.units
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'owner_user_id');
create trigger _700_cache_invalidate_delete
    after delete on rental.units
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('role', 'owner_user_id');
create trigger _700_cache_invalidate_truncate
    after truncate on rental.units
    for each statement execute function core.tg_cache_invalidate('role', 'owner_user_id');

select core.attach_audit('rental.units', 'core.audit_log', 'owner_user_id');

-- rental.user_profiles: everyone sees their own profile and may rename their company.

alter table rental.user_profiles enable row level security;
alter table rental.user_profiles force row level security;

-- Forced row security binds the owner, too; the sign-up functions pass here.
create policy system_all on rental.user_profiles
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy users_can_view_own_profile on rental.user_profiles
    for select to app_user, app_readonly
    using (user_id = (select core.current_user_id()));

create policy users_can_update_own_profile on rental.user_profiles
    for update to app_user
    using (user_id = (select core.current_user_id()))
    with check (user_id = (select core.current_user_id()));

comment on policy system_all on rental.user_profiles is 'Owner and definer functions see every row.';
comment on policy users_can_view_own_profile on rental.user_profiles is 'A user sees own profile.';
comment on policy users_can_update_own_profile on rental.user_profiles is 'A user changes own profile.';

-- No update of role: nobody makes themselves a landlord or an administrator.
-- No update of the onboarding columns: rental.complete_onboarding_step() keeps their order.
-- No insert or delete: profiles come with rental.sync_auth_user() and go with the user.
grant select on rental.user_profiles to app_user, app_readonly;
grant update (company_name) on rental.user_profiles to app_user;

create trigger _300_touch_updated_at
    before update on rental.user_profiles
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on rental.user_profiles
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_update
    after update on rental.user_profiles
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_delete
    after delete on rental.user_profiles
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_truncate
    after truncate on rental.user_profiles
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');

-- The tenant of a landlord has the landlord's own id; that of a renter does not exist, so nobody reads a renter's history here.
select core.attach_audit('rental.user_profiles', 'core.audit_log', 'user_id');

-- migrate:down

drop trigger _700_cache_invalidate_truncate on rental.user_profiles;
drop trigger _700_cache_invalidate_delete on rental.user_profiles;
drop trigger _700_cache_invalidate_update on rental.user_profiles;
drop trigger _700_cache_invalidate_insert on rental.user_profiles;
drop trigger _300_touch_updated_at on rental.user_profiles;
drop policy users_can_update_own_profile on rental.user_profiles;
drop policy users_can_view_own_profile on rental.user_profiles;
drop policy system_all on rental.user_profiles;

drop trigger _700_cache_invalidate_truncate on rental.units;
drop trigger _700_cache_invalidate_delete on rental.units;
drop trigger _700_cache_invalidate_update on rental.units;
drop trigger _700_cache_invalidate_insert on rental.units;
drop trigger _300_touch_updated_at on rental.units;
drop trigger _100_tenant_immutable on rental.units;
drop policy renters_can_view_leased_units on rental.units;
drop policy owners_can_delete_own_units on rental.units;
drop policy owners_can_update_own_units on rental.units;
drop policy owners_can_insert_own_units on rental.units;
drop policy owners_can_view_own_units on rental.units;
drop policy system_all on rental.units;

drop trigger _600_outbox_delete on rental.tickets;
drop trigger _600_outbox_update on rental.tickets;
drop trigger _600_outbox_insert on rental.tickets;
drop trigger _300_touch_updated_at on rental.tickets;
drop trigger _200_bump_version on rental.tickets;
drop trigger _100_tenant_immutable on rental.tickets;
drop policy renters_can_open_tickets on rental.tickets;
drop policy renters_can_view_own_tickets on rental.tickets;
drop policy owners_can_delete_own_tickets on rental.tickets;
drop policy owners_can_update_own_tickets on rental.tickets;
drop policy owners_can_insert_own_tickets on rental.tickets;
drop policy owners_can_view_own_tickets on rental.tickets;
drop policy system_all on rental.tickets;

drop trigger _700_cache_invalidate_truncate on rental.tenants;
drop trigger _700_cache_invalidate_delete on rental.tenants;
drop trigger _700_cache_invalidate_update on rental.tenants;
drop trigger _700_cache_invalidate_insert on rental.tenants;
drop trigger _300_touch_updated_at on rental.tenants;
drop trigger _100_tenant_immutable on rental.tenants;
drop policy renters_can_view_own_profile on rental.tenants;
drop policy owners_can_delete_own_tenants on rental.tenants;
drop policy owners_can_update_own_tenants on rental.tenants;
drop policy owners_can_insert_own_tenants on rental.tenants;
drop policy owners_can_view_own_tenants on rental.tenants;
drop policy system_all on rental.tenants;

drop policy closed on rental.tenant_owner_quarantine;
drop policy system_all on rental.tenant_owner_quarantine;

drop trigger _300_touch_updated_at on rental.tenant_invites;
drop trigger _100_tenant_immutable on rental.tenant_invites;
drop policy owners_can_delete_own_tenant_invites on rental.tenant_invites;
drop policy owners_can_update_own_tenant_invites on rental.tenant_invites;
drop policy owners_can_insert_own_tenant_invites on rental.tenant_invites;
drop policy owners_can_view_own_tenant_invites on rental.tenant_invites;
drop policy system_all on rental.tenant_invites;

drop trigger _300_touch_updated_at on rental.tenancies;
drop trigger _150_refuse_overlap on rental.tenancies;
drop trigger _100_tenant_immutable on rental.tenancies;
drop policy renters_can_view_own_tenancies on rental.tenancies;
drop policy owners_can_delete_own_tenancies on rental.tenancies;
drop policy owners_can_update_own_tenancies on rental.tenancies;
drop policy owners_can_insert_own_tenancies on rental.tenancies;
drop policy owners_can_view_own_tenancies on rental.tenancies;
drop policy system_all on rental.tenancies;

drop trigger _100_tenant_immutable on rental.import_errors;
drop policy owners_can_view_own_import_errors on rental.import_errors;
drop policy system_all on rental.import_errors;

drop trigger _300_touch_updated_at on rental.import_batches;
drop trigger _100_tenant_immutable on rental.import_batches;
drop policy owners_can_delete_own_import_batches on rental.import_batches;
drop policy owners_can_update_own_import_batches on rental.import_batches;
drop policy owners_can_insert_own_import_batches on rental.import_batches;
drop policy owners_can_view_own_import_batches on rental.import_batches;
drop policy system_all on rental.import_batches;

drop trigger _300_touch_updated_at on rental.contractors;
drop trigger _100_tenant_immutable on rental.contractors;
drop policy owners_can_delete_own_contractors on rental.contractors;
drop policy owners_can_update_own_contractors on rental.contractors;
drop policy owners_can_insert_own_contractors on rental.contractors;
drop policy owners_can_view_own_contractors on rental.contractors;
drop policy system_all on rental.contractors;

drop trigger _300_touch_updated_at on rental.contractor_search_results;
drop trigger _100_tenant_immutable on rental.contractor_search_results;
drop policy owners_can_delete_own_contractor_search_results on rental.contractor_search_results;
drop policy owners_can_update_own_contractor_search_results on rental.contractor_search_results;
drop policy owners_can_insert_own_contractor_search_results on rental.contractor_search_results;
drop policy owners_can_view_own_contractor_search_results on rental.contractor_search_results;
drop policy system_all on rental.contractor_search_results;

drop function rental.update_unit(uuid, jsonb);
drop function rental.update_ticket(uuid, jsonb, integer);
drop function rental.update_tenant(uuid, jsonb);
drop function rental.ticket_cursor(rental.tickets);
drop function rental.sync_auth_user(text, text, text);
drop function rental.start_tenancy(uuid, uuid, date, date, numeric);
drop function rental.require_renter_values(jsonb);
drop function rental.require_patch(jsonb, text[]);
drop function rental.require_onboarded();
drop function rental.register_landlord(text);
drop function rental.record_import(uuid, jsonb);
drop function rental.queue_invite(uuid, uuid);
drop function rental.put_contractor_results(uuid, jsonb);
drop function rental.portal_tickets(integer, text);
drop function rental.my_unit_ids();
drop function rental.my_tenant_row_ids();
drop function rental.list_units(integer, integer);
drop function rental.list_tickets(integer, integer, text, uuid);
drop function rental.list_tenants(integer, integer, uuid);
drop function rental.list_contractors(integer, integer);
drop function rental.invite_email(uuid);
drop function rental.import_units(jsonb);
drop function rental.import_text(jsonb, text, boolean);
drop function rental.import_rows(text, jsonb);
drop function rental.import_row(text, jsonb, uuid);
drop function rental.hash_invite_token(text);
drop function rental.get_user_roles(uuid);
drop function rental.get_contractor_results(uuid, interval);
drop function rental.expire_invites();
drop function rental.end_tenancy(uuid, date);
drop function rental.delete_unit(uuid);
drop function rental.create_unit(text, text, text, text, text, text, text);
drop function rental.create_ticket(uuid, text, text, text);
drop function rental.create_tenant_invite(text, text, text, uuid, uuid);
drop function rental.count_invite(uuid);
drop function rental.complete_onboarding_step(text, jsonb);
drop function rental.claim_invite(text);
drop function rental.bulk_invite_tenants(jsonb);
drop function rental.begin_import(text, integer);
drop function rental.backfill_tenant_owners();
drop function rental.authorize_unit(uuid);
drop function rental.authorize_ticket(uuid);
drop function rental.authorize_tenant(uuid);
drop table rental.user_profiles;
drop table rental.contractor_search_results;
drop table rental.tickets;
drop table rental.tenant_invites;
drop table rental.tenancies;
drop table rental.tenants;
drop table rental.units;
drop table rental.tenant_owner_quarantine;
drop table rental.import_errors;
drop table rental.import_batches;
drop table rental.contractors;

drop function rental.tg_tenancies_refuse_overlap();
drop function rental.tg_audit_contractors();
drop function rental.tg_audit_tenancies();
drop function rental.tg_audit_tenant_invites();
drop function rental.tg_audit_tenants();
drop function rental.tg_audit_tickets();
drop function rental.tg_audit_units();
drop function rental.tg_audit_user_profiles();

drop schema rental;
