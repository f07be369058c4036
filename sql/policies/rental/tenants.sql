-- rental.tenants: landlords keep their own renters, a renter sees own rows.

alter table rental.tenants enable row level security;
alter table rental.tenants force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.tenants
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_tenants on rental.tenants
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_tenants on rental.tenants
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_tenants on rental.tenants
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_delete_own_tenants on rental.tenants
    for delete to app_user
    using (owner_user_id = (select core.active_tenant_id()));

create policy renters_can_view_own_profile on rental.tenants
    for select to app_renter
    using (user_id = (select core.current_user_id()));

comment on policy system_all on rental.tenants is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_tenants on rental.tenants is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_tenants on rental.tenants is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_tenants on rental.tenants is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_tenants on rental.tenants is 'A landlord deletes own rows.';
comment on policy renters_can_view_own_profile on rental.tenants is 'A renter sees own rows, one per landlord.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.tenants to app_user;
grant insert (owner_user_id, first_name, last_name, email, phone, unit_id) on rental.tenants to app_user;
grant update (first_name, last_name, email, phone, unit_id) on rental.tenants to app_user;
grant select on rental.tenants to app_readonly;
-- No grant on user_id: only the claim of an invite ties a renter to a login.
grant select on rental.tenants to app_renter;

create trigger _100_tenant_immutable
    before update on rental.tenants
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.tenants
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on rental.tenants
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_update
    after update on rental.tenants
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_delete
    after delete on rental.tenants
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_truncate
    after truncate on rental.tenants
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');

select core.attach_audit('rental.tenants', 'core.audit_log', 'owner_user_id');
