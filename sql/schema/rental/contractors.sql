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
