-- rental.units: landlords keep their own units, renters see the ones they rent.

alter table rental.units enable row level security;
alter table rental.units force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.units
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_units on rental.units
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_units on rental.units
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_units on rental.units
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_delete_own_units on rental.units
    for delete to app_user
    using (owner_user_id = (select core.active_tenant_id()));

create policy renters_can_view_leased_units on rental.units
    for select to app_renter
    using (id = any ((select rental.my_unit_ids())::uuid[]));

comment on policy system_all on rental.units is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_units on rental.units is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_units on rental.units is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_units on rental.units is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_units on rental.units is 'A landlord deletes own rows.';
comment on policy renters_can_view_leased_units on rental.units is 'A renter sees the units they live in or rent.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.units to app_user;
grant insert (owner_user_id, name, address1, address2, city, state, postal_code, external_ref) on rental.units to app_user;
grant update (name, address1, address2, city, state, postal_code, external_ref) on rental.units to app_user;
grant select on rental.units to app_readonly;
grant select on rental.units to app_renter;

create trigger _100_tenant_immutable
    before update on rental.units
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.units
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on rental.units
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'owner_user_id');
create trigger _700_cache_invalidate_update
    after update on rental.units
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'owner_user_id');
create trigger _700_cache_invalidate_delete
    after delete on rental.units
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('role', 'owner_user_id');
create trigger _700_cache_invalidate_truncate
    after truncate on rental.units
    for each statement execute function core.tg_cache_invalidate('role', 'owner_user_id');

select core.attach_audit('rental.units', 'core.audit_log', 'owner_user_id');
