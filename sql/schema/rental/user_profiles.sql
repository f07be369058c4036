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
