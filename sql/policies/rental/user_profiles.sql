-- rental.user_profiles: everyone sees their own profile and may rename their company.

alter table rental.user_profiles enable row level security;
alter table rental.user_profiles force row level security;

-- Forced row security binds the owner, too; the sign-up functions pass here.
create policy system_all on rental.user_profiles
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy users_can_view_own_profile on rental.user_profiles
    for select to app_user, app_readonly
    using (user_id = (select core.current_user_id()));

create policy users_can_update_own_profile on rental.user_profiles
    for update to app_user
    using (user_id = (select core.current_user_id()))
    with check (user_id = (select core.current_user_id()));

comment on policy system_all on rental.user_profiles is 'Owner and definer functions see every row.';
comment on policy users_can_view_own_profile on rental.user_profiles is 'A user sees own profile.';
comment on policy users_can_update_own_profile on rental.user_profiles is 'A user changes own profile.';

-- No update of role: nobody makes themselves a landlord or an administrator.
-- No update of the onboarding columns: rental.complete_onboarding_step() keeps their order.
-- No insert or delete: profiles come with rental.sync_auth_user() and go with the user.
grant select on rental.user_profiles to app_user, app_readonly;
grant update (company_name) on rental.user_profiles to app_user;

create trigger _300_touch_updated_at
    before update on rental.user_profiles
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on rental.user_profiles
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_update
    after update on rental.user_profiles
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_delete
    after delete on rental.user_profiles
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');
create trigger _700_cache_invalidate_truncate
    after truncate on rental.user_profiles
    for each statement execute function core.tg_cache_invalidate('role', 'user_id');

-- The tenant of a landlord has the landlord's own id; that of a renter does not exist, so nobody reads a renter's history here.
select core.attach_audit('rental.user_profiles', 'core.audit_log', 'user_id');
