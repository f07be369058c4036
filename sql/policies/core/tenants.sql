-- core.tenants: members see the tenant they act in; who holds tenant.manage edits its profile.

alter table core.tenants enable row level security;
alter table core.tenants force row level security;

create policy system_all on core.tenants
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.tenants
    for select to app_user, app_readonly
    using (id = (select core.active_tenant_id()) and deleted_at is null);

create policy update_managers on core.tenants
    for update to app_user
    using (id = (select core.active_tenant_id()) and deleted_at is null and (select core.has_permission('tenant.manage')))
    with check (id = (select core.active_tenant_id()) and deleted_at is null and (select core.has_permission('tenant.manage')));

comment on policy system_all on core.tenants is 'Owner and definer functions see every row.';
comment on policy select_members on core.tenants is 'Members see the active tenant, not a deleted one.';
comment on policy update_managers on core.tenants is 'Who holds tenant.manage changes the active tenant.';

grant select on core.tenants to app_user, app_readonly;
-- No status and no owner_user_id: suspension and transfer are not the tenant's own to write. No insert: core.create_tenant.
-- No delete: core.soft_delete.
grant update (name, slug, timezone) on core.tenants to app_user;

create trigger _100_tenant_immutable
    before update on core.tenants
    for each row when (old.id is distinct from new.id)
    execute function core.tg_tenant_immutable('id');

create trigger _300_touch_updated_at
    before update on core.tenants
    for each row execute function core.tg_touch_updated_at();

create trigger _400_soft_delete
    before update on core.tenants
    for each row when (old.deleted_at is distinct from new.deleted_at or old.deleted_by is distinct from new.deleted_by)
    execute function core.tg_soft_delete('id', 'tenant.delete');

select core.attach_audit('core.tenants', 'core.audit_log', 'id');
