-- storage.access_grants: closed to every application role; a token is looked up by the functions that redeem it.

alter table storage.access_grants enable row level security;
alter table storage.access_grants force row level security;

create policy system_all on storage.access_grants
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on storage.access_grants
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on storage.access_grants is 'Owner and definer functions see every row.';
comment on policy closed on storage.access_grants is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
