-- __module__.notes: members read, write and delete the notes of the tenant they act in.

alter table __module__.notes enable row level security;
alter table __module__.notes force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on __module__.notes
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on __module__.notes
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()));

create policy insert_members on __module__.notes
    for insert to app_user
    with check (tenant_id = (select core.active_tenant_id()));

create policy update_members on __module__.notes
    for update to app_user
    using (tenant_id = (select core.active_tenant_id()))
    with check (tenant_id = (select core.active_tenant_id()));

create policy delete_members on __module__.notes
    for delete to app_user
    using (tenant_id = (select core.active_tenant_id()));

comment on policy system_all on __module__.notes is 'Owner and definer functions see every row.';
comment on policy select_members on __module__.notes is 'Members see the notes of the active tenant.';
comment on policy insert_members on __module__.notes is 'Members add notes to the active tenant only.';
comment on policy update_members on __module__.notes is 'Members change notes of the active tenant, and they stay there.';
comment on policy delete_members on __module__.notes is 'Members delete notes of the active tenant.';

-- No update of tenant_id: a note never moves. version and the times are the triggers' business.
grant select, delete on __module__.notes to app_user;
grant insert (tenant_id, title, body) on __module__.notes to app_user;
grant update (title, body) on __module__.notes to app_user;
grant select on __module__.notes to app_readonly;

create trigger _100_tenant_immutable
    before update on __module__.notes
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

create trigger _200_bump_version
    before update on __module__.notes
    for each row execute function core.tg_bump_version();

create trigger _300_touch_updated_at
    before update on __module__.notes
    for each row execute function core.tg_touch_updated_at();
