-- core.users: people see themselves and those they share the active tenant with, and edit their own profile.

alter table core.users enable row level security;
alter table core.users force row level security;

create policy system_all on core.users
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_fellows on core.users
    for select to app_user, app_readonly
    using (id = any ((select core.visible_user_ids())::uuid[]));

create policy update_self on core.users
    for update to app_user
    using (id = (select core.current_user_id()))
    with check (id = (select core.current_user_id()));

comment on policy system_all on core.users is 'Owner and definer functions see every row.';
comment on policy select_fellows on core.users is 'A person sees themselves and the members of the active tenant.';
comment on policy update_self on core.users is 'A person changes their own row.';

-- auth_subject, platform_role and last_seen_at are nobody's but the definer functions'.
grant select (id, email, name, avatar_url, phone, is_active, created_at, updated_at) on core.users to app_user, app_readonly;
-- No email: it follows the identity provider, see core.upsert_user. No insert and no delete: people are created by
-- core.upsert_user and deactivated, not deleted.
grant update (name, avatar_url, phone) on core.users to app_user;

create trigger _300_touch_updated_at
    before update on core.users
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on core.users
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('session', 'id');
create trigger _700_cache_invalidate_update
    after update on core.users
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('session', 'id');
create trigger _700_cache_invalidate_delete
    after delete on core.users
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('session', 'id');
create trigger _700_cache_invalidate_truncate
    after truncate on core.users
    for each statement execute function core.tg_cache_invalidate('session', 'id');

-- Platform roles and deactivation above all. A person is no tenant's, so no tenant reads this history.
select core.attach_audit('core.users', 'core.audit_log', null, p_redact => '{auth_subject}', p_ignore => '{last_seen_at}');
