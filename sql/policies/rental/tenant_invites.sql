-- rental.tenant_invites: landlords invite their own renters.

alter table rental.tenant_invites enable row level security;
alter table rental.tenant_invites force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.tenant_invites
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_tenant_invites on rental.tenant_invites
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_tenant_invites on rental.tenant_invites
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_tenant_invites on rental.tenant_invites
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

-- A member who only helps out may change rows but not remove them.
create policy owners_can_delete_own_tenant_invites on rental.tenant_invites
    for delete to app_user
    using (
        owner_user_id = (select core.active_tenant_id())
        and (select core.has_role('ADMIN'))
    );

comment on policy system_all on rental.tenant_invites is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_tenant_invites on rental.tenant_invites is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_tenant_invites on rental.tenant_invites is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_tenant_invites on rental.tenant_invites is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_tenant_invites on rental.tenant_invites is 'A landlord deletes own rows.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.tenant_invites to app_user;
grant insert (owner_user_id, tenant_id, unit_id, email, token_hash, expires_at, sent_at) on rental.tenant_invites to app_user;
grant update (unit_id, email, token_hash, expires_at, sent_at) on rental.tenant_invites to app_user;
grant select on rental.tenant_invites to app_readonly;
-- No grant on claimed_at: only the renter's claim writes it.

create trigger _100_tenant_immutable
    before update on rental.tenant_invites
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _300_touch_updated_at
    before update on rental.tenant_invites
    for each row execute function core.tg_touch_updated_at();

select core.attach_audit('rental.tenant_invites', 'core.audit_log', 'owner_user_id', p_redact => '{token_hash,mail_token_hash}');
