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
