-- core.retention_policies: closed to every application role; core.apply_retention reads it as app_definer.

alter table core.retention_policies enable row level security;
alter table core.retention_policies force row level security;

create policy system_all on core.retention_policies
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.retention_policies
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.retention_policies is 'Owner and definer functions see every row.';
comment on policy closed on core.retention_policies is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
