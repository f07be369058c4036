-- core.user_notifications: people see their own in the active tenant and mark them as read. Written by core.notify_user.

alter table core.user_notifications enable row level security;
alter table core.user_notifications force row level security;

create policy system_all on core.user_notifications
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_own on core.user_notifications
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()) and user_id = (select core.current_user_id()));

create policy update_own on core.user_notifications
    for update to app_user
    using (tenant_id = (select core.active_tenant_id()) and user_id = (select core.current_user_id()))
    with check (tenant_id = (select core.active_tenant_id()) and user_id = (select core.current_user_id()));

comment on policy system_all on core.user_notifications is 'Owner and definer functions see every row.';
comment on policy select_own on core.user_notifications is 'A person sees what they were told in the active tenant.';
comment on policy update_own on core.user_notifications is 'A person marks their own as read, and they stay their own.';

grant select on core.user_notifications to app_user, app_readonly;
grant update (read_at) on core.user_notifications to app_user;

create trigger _100_tenant_immutable
    before update on core.user_notifications
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');
