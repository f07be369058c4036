-- core.job_envelopes_default: closed to every application role; core.job_envelopes is the way to it.

alter table core.job_envelopes_default enable row level security;
alter table core.job_envelopes_default force row level security;

create policy system_all on core.job_envelopes_default
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.job_envelopes_default
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.job_envelopes_default is 'Owner and definer functions see every row.';
comment on policy closed on core.job_envelopes_default is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
