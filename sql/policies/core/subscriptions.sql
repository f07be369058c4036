-- core.subscriptions: members see what their tenant has; only core.create_tenant and core.change_subscription write.

alter table core.subscriptions enable row level security;
alter table core.subscriptions force row level security;

create policy system_all on core.subscriptions
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.subscriptions
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()));

comment on policy system_all on core.subscriptions is 'Owner and definer functions see every row.';
comment on policy select_members on core.subscriptions is 'Members see the subscription of the active tenant.';

-- No external ids: they open the tenant's account at the payment provider.
grant select (tenant_id, system, tier_key, status, current_period_end, trial_ends_at, created_at, updated_at)
    on core.subscriptions to app_user, app_readonly;

create trigger _100_tenant_immutable
    before update on core.subscriptions
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

create trigger _300_touch_updated_at
    before update on core.subscriptions
    for each row execute function core.tg_touch_updated_at();

select core.attach_audit('core.subscriptions', 'core.audit_log', 'tenant_id');
