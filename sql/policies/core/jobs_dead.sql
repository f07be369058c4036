-- core.jobs_dead: closed to every application role; core.settle_lease and core.cancel_job write it, core.retry_job takes from it, core.job_queue shows it.

alter table core.jobs_dead enable row level security;
alter table core.jobs_dead force row level security;

create policy system_all on core.jobs_dead
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.jobs_dead
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.jobs_dead is 'Owner and definer functions see every row.';
comment on policy closed on core.jobs_dead is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.jobs_dead
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');
