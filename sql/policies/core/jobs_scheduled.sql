-- core.jobs_scheduled: closed to every application role; core.enqueue and core.settle_lease write it, core.promote_jobs takes from it, core.job_queue shows it.

alter table core.jobs_scheduled enable row level security;
alter table core.jobs_scheduled force row level security;

create policy system_all on core.jobs_scheduled
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.jobs_scheduled
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.jobs_scheduled is 'Owner and definer functions see every row.';
comment on policy closed on core.jobs_scheduled is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.jobs_scheduled
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');
