-- core.queue_weights: closed to every application role; core.put_queue_weight writes it as app_definer.

alter table core.queue_weights enable row level security;
alter table core.queue_weights force row level security;

create policy system_all on core.queue_weights
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.queue_weights
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.queue_weights is 'Owner and definer functions see every row.';
comment on policy closed on core.queue_weights is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.queue_weights
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

create trigger _300_touch_updated_at
    before update on core.queue_weights
    for each row execute function core.tg_touch_updated_at();
