-- core.rate_limit_violations: closed to every application role; core.rate_limit writes it, core.rate_limit_report sums it up.

alter table core.rate_limit_violations enable row level security;
alter table core.rate_limit_violations force row level security;

create policy system_all on core.rate_limit_violations
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.rate_limit_violations
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.rate_limit_violations is 'Owner and definer functions see every row.';
comment on policy closed on core.rate_limit_violations is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
