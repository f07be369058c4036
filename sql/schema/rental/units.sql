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
