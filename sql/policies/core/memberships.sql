-- core.memberships: everybody sees where they belong and who else is in the active tenant; who holds team.manage invites and
-- changes members, never above their own rank (trigger _150_rank).

alter table core.memberships enable row level security;
alter table core.memberships force row level security;

create policy system_all on core.memberships
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_fellows on core.memberships
    for select to app_user, app_readonly
    using (user_id = (select core.current_user_id()) or tenant_id = (select core.active_tenant_id()));

create policy insert_managers on core.memberships
    for insert to app_user
    with check (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('team.manage')));

create policy update_managers on core.memberships
    for update to app_user
    using (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('team.manage')))
    with check (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('team.manage')));

comment on policy system_all on core.memberships is 'Owner and definer functions see every row.';
comment on policy select_fellows on core.memberships is 'A person sees their own memberships, and who belongs to the active tenant.';
comment on policy insert_managers on core.memberships is 'Who holds team.manage invites to the active tenant.';
comment on policy update_managers on core.memberships is 'Who holds team.manage changes members of the active tenant, and they stay there.';

grant select on core.memberships to app_user, app_readonly;
-- No status: what an application role inserts is an invitation, and only the invited person can accept it (core.accept_membership).
grant insert (tenant_id, user_id, role_key) on core.memberships to app_user;
-- No delete: status becomes removed.
grant update (role_key, status) on core.memberships to app_user;

create trigger _100_tenant_immutable
    before update on core.memberships
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

create trigger _150_rank
    before insert or update on core.memberships
    for each row execute function core.tg_memberships_rank();

create trigger _300_touch_updated_at
    before update on core.memberships
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on core.memberships
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('permissions', 'tenant_id');
create trigger _700_cache_invalidate_update
    after update on core.memberships
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('permissions', 'tenant_id');
create trigger _700_cache_invalidate_delete
    after delete on core.memberships
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('permissions', 'tenant_id');
create trigger _700_cache_invalidate_truncate
    after truncate on core.memberships
    for each statement execute function core.tg_cache_invalidate('permissions', 'tenant_id');

select core.attach_audit('core.memberships', 'core.audit_log', 'tenant_id');
