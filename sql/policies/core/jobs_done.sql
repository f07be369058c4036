-- core.jobs_done: closed to every application role; core.settle_lease writes it, core.job_queue reads it.

alter table core.jobs_done enable row level security;
alter table core.jobs_done force row level security;

create policy system_all on core.jobs_done
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.jobs_done
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.jobs_done is 'Owner and definer functions see every row.';
comment on policy closed on core.jobs_done is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
