-- core.metric_samples: closed to every application role; core.record_metric writes it, core.percentiles reads it.

alter table core.metric_samples enable row level security;
alter table core.metric_samples force row level security;

create policy system_all on core.metric_samples
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.metric_samples
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.metric_samples is 'Owner and definer functions see every row.';
comment on policy closed on core.metric_samples is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
