-- core.job_keys: closed to every application role; core.add_job takes a key, whatever ends the job gives it back.

alter table core.job_keys enable row level security;
alter table core.job_keys force row level security;

create policy system_all on core.job_keys
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.job_keys
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.job_keys is 'Owner and definer functions see every row.';
comment on policy closed on core.job_keys is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.job_keys
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');
