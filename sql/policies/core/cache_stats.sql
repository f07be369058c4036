-- core.cache_stats: closed to every application role; core.cache_stats_report reads it.

alter table core.cache_stats enable row level security;
alter table core.cache_stats force row level security;

create policy system_all on core.cache_stats
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.cache_stats
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.cache_stats is 'Owner and definer functions see every row.';
comment on policy closed on core.cache_stats is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
