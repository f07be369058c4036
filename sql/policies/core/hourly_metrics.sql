-- core.hourly_metrics: closed to every application role; core.aggregate_metrics writes it, core.metric_history reads it.

alter table core.hourly_metrics enable row level security;
alter table core.hourly_metrics force row level security;

create policy system_all on core.hourly_metrics
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.hourly_metrics
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.hourly_metrics is 'Owner and definer functions see every row.';
comment on policy closed on core.hourly_metrics is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
