-- rental.contractors: landlords keep their own address book.

alter table rental.contractors enable row level security;
alter table rental.contractors force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.contractors
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_contractors on rental.contractors
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_contractors on rental.contractors
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_contractors on rental.contractors
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

-- A member who only helps out may change rows but not remove them.
create policy owners_can_delete_own_contractors on rental.contractors
    for delete to app_user
    using (
        owner_user_id = (select core.active_tenant_id())
        and (select core.has_role('ADMIN'))
    );

comment on policy system_all on rental.contractors is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_contractors on rental.contractors is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_contractors on rental.contractors is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_contractors on rental.contractors is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_contractors on rental.contractors is 'A landlord deletes own rows.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.contractors to app_user;
grant insert (owner_user_id, name, trade, email, phone, is_active) on rental.contractors to app_user;
grant update (name, trade, email, phone, is_active) on rental.contractors to app_user;
grant select on rental.contractors to app_readonly;

create trigger _100_tenant_immutable
    before update on rental.contractors
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.contractors
    for each row execute function core.tg_touch_updated_at();

select core.attach_audit('rental.contractors', 'core.audit_log', 'owner_user_id');
