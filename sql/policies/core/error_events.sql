-- core.error_events: closed to every application role; core.log_error writes it, monitoring reads numbers by definer functions.

alter table core.error_events enable row level security;
alter table core.error_events force row level security;

create policy system_all on core.error_events
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.error_events
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.error_events is 'Owner and definer functions see every row.';
comment on policy closed on core.error_events is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
