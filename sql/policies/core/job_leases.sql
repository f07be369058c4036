-- core.job_leases: closed to every application role; core.next_jobs writes it, whatever settles a job changes it.

alter table core.job_leases enable row level security;
alter table core.job_leases force row level security;

create policy system_all on core.job_leases
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.job_leases
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.job_leases is 'Owner and definer functions see every row.';
comment on policy closed on core.job_leases is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
