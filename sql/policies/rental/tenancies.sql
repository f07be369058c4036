-- rental.tenancies: landlords keep their own tenancies, a renter sees own ones.

alter table rental.tenancies enable row level security;
alter table rental.tenancies force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.tenancies
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_tenancies on rental.tenancies
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_tenancies on rental.tenancies
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_tenancies on rental.tenancies
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_delete_own_tenancies on rental.tenancies
    for delete to app_user
    using (owner_user_id = (select core.active_tenant_id()));

create policy renters_can_view_own_tenancies on rental.tenancies
    for select to app_renter
    using (tenant_id = any ((select rental.my_tenant_row_ids())::uuid[]));

comment on policy system_all on rental.tenancies is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_tenancies on rental.tenancies is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_tenancies on rental.tenancies is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_tenancies on rental.tenancies is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_tenancies on rental.tenancies is 'A landlord deletes own rows.';
comment on policy renters_can_view_own_tenancies on rental.tenancies is 'A renter sees own tenancies.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.tenancies to app_user;
grant insert (owner_user_id, unit_id, tenant_id, start_date, end_date, rent_amount, status) on rental.tenancies to app_user;
grant update (unit_id, tenant_id, start_date, end_date, rent_amount, status) on rental.tenancies to app_user;
grant select on rental.tenancies to app_readonly;
grant select on rental.tenancies to app_renter;

create trigger _100_tenant_immutable
    before update on rental.tenancies
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _150_refuse_overlap
    before insert or update of unit_id, start_date, end_date, status on rental.tenancies
    for each row execute function rental.tg_tenancies_refuse_overlap();

create trigger _300_touch_updated_at
    before update on rental.tenancies
    for each row execute function core.tg_touch_updated_at();

select core.attach_audit('rental.tenancies', 'core.audit_log', 'owner_user_id');
