-- core.cache_lookups: closed to every application role; core.cache_get writes it, core.cache_purge_expired sums it up.

alter table core.cache_lookups enable row level security;
alter table core.cache_lookups force row level security;

create policy system_all on core.cache_lookups
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.cache_lookups
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.cache_lookups is 'Owner and definer functions see every row.';
comment on policy closed on core.cache_lookups is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
