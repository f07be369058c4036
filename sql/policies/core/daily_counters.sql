-- core.daily_counters: members see the figures of the active tenant; only core.count_metric writes.

alter table core.daily_counters enable row level security;
alter table core.daily_counters force row level security;

create policy system_all on core.daily_counters
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.daily_counters
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()));

comment on policy system_all on core.daily_counters is 'Owner and definer functions see every row.';
comment on policy select_members on core.daily_counters is 'Members see the figures of the active tenant.';

grant select on core.daily_counters to app_user, app_readonly;

create trigger _100_tenant_immutable
    before update on core.daily_counters
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');
