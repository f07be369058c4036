-- core.cache_invalidations: closed to every application role; triggers and core.cache_invalidate write it, core.cache_get compares with it.

alter table core.cache_invalidations enable row level security;
alter table core.cache_invalidations force row level security;

create policy system_all on core.cache_invalidations
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.cache_invalidations
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.cache_invalidations is 'Owner and definer functions see every row.';
comment on policy closed on core.cache_invalidations is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
