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
