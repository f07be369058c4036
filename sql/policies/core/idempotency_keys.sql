-- core.idempotency_keys: closed to every application role; core.idempotent_begin and its kin reach it as app_definer.

alter table core.idempotency_keys enable row level security;
alter table core.idempotency_keys force row level security;

create policy system_all on core.idempotency_keys
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.idempotency_keys
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.idempotency_keys is 'Owner and definer functions see every row.';
comment on policy closed on core.idempotency_keys is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.idempotency_keys
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');
