-- rental: a landlord platform. Every landlord is a tenant of their own; a "tenant" in this schema is a renter.

create schema rental;

comment on schema rental is
    'Landlord platform. The tenant column is owner_user_id, the landlord''s own user id; renters act as app_renter.';

-- CREATE is what lets a function be given to app_definer.
grant usage, create on schema rental to app_definer;
grant usage on schema rental to app_user, app_renter, app_worker, app_readonly, app_platform_admin;

alter default privileges in schema rental grant all on tables to app_definer;
