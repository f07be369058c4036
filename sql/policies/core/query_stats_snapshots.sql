-- core.query_stats_snapshots: closed to every application role; core.snapshot_query_stats writes it; texts of statements may hold values of tenants.

alter table core.query_stats_snapshots enable row level security;
alter table core.query_stats_snapshots force row level security;

create policy system_all on core.query_stats_snapshots
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.query_stats_snapshots
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.query_stats_snapshots is 'Owner and definer functions see every row.';
comment on policy closed on core.query_stats_snapshots is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
