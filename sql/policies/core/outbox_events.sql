-- core.outbox_events: members read the events of the active tenant. Written by core.emit and core.tg_outbox only.

alter table core.outbox_events enable row level security;
alter table core.outbox_events force row level security;

create policy system_all on core.outbox_events
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.outbox_events
    for select to app_user, app_readonly, app_worker
    using (tenant_id = (select core.active_tenant_id()));

comment on policy system_all on core.outbox_events is 'Owner and definer functions see every row.';
comment on policy select_members on core.outbox_events is 'Listeners read the events of the active tenant.';

grant select on core.outbox_events to app_user, app_readonly, app_worker;

create trigger _100_tenant_immutable
    before update on core.outbox_events
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');
