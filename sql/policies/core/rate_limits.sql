-- core.rate_limits: closed to every application role; core.rate_limit counts in it as app_definer.

alter table core.rate_limits enable row level security;
alter table core.rate_limits force row level security;

create policy system_all on core.rate_limits
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.rate_limits
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.rate_limits is 'Owner and definer functions see every row.';
comment on policy closed on core.rate_limits is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
