-- rental.tickets: landlords keep their own tickets, a renter sees own ones and opens new ones.

alter table rental.tickets enable row level security;
alter table rental.tickets force row level security;

-- Forced row security binds the owner, too; backfills, foreign keys and definer functions pass here.
create policy system_all on rental.tickets
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_tickets on rental.tickets
    for select to app_user, app_readonly
    using (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_insert_own_tickets on rental.tickets
    for insert to app_user
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_update_own_tickets on rental.tickets
    for update to app_user
    using (owner_user_id = (select core.active_tenant_id()))
    with check (owner_user_id = (select core.active_tenant_id()));

create policy owners_can_delete_own_tickets on rental.tickets
    for delete to app_user
    using (owner_user_id = (select core.active_tenant_id()));

create policy renters_can_view_own_tickets on rental.tickets
    for select to app_renter
    using (tenant_id = any ((select rental.my_tenant_row_ids())::uuid[]));

-- That unit and renter belong to the landlord named is what the composite foreign keys check.
create policy renters_can_open_tickets on rental.tickets
    for insert to app_renter
    with check (
        tenant_id = any ((select rental.my_tenant_row_ids())::uuid[])
        and unit_id = any ((select rental.my_unit_ids())::uuid[])
    );

comment on policy system_all on rental.tickets is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_tickets on rental.tickets is 'A landlord sees own rows.';
comment on policy owners_can_insert_own_tickets on rental.tickets is 'A landlord adds rows to own data only.';
comment on policy owners_can_update_own_tickets on rental.tickets is 'A landlord changes own rows, and they stay own.';
comment on policy owners_can_delete_own_tickets on rental.tickets is 'A landlord deletes own rows.';
comment on policy renters_can_view_own_tickets on rental.tickets is 'A renter sees own tickets.';
comment on policy renters_can_open_tickets on rental.tickets is 'A renter opens tickets in own name for a unit they live in or rent.';

-- id comes from its default alone: the renters' policies tell rows apart by id, so nobody may choose one.
-- No update of owner_user_id: a row never changes its landlord.
grant select, delete on rental.tickets to app_user;
grant insert (owner_user_id, unit_id, tenant_id, title, description, status, priority, contractor_id) on rental.tickets to app_user;
grant update (unit_id, tenant_id, title, description, status, priority, contractor_id) on rental.tickets to app_user;
grant select on rental.tickets to app_readonly;
-- A renter opens tickets: status and contractor are the landlord's, and there is no update or delete.
grant select on rental.tickets to app_renter;
grant insert (owner_user_id, unit_id, tenant_id, title, description, priority) on rental.tickets to app_renter;

create trigger _100_tenant_immutable
    before update on rental.tickets
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');

create trigger _200_bump_version
    before update on rental.tickets
    for each row execute function core.tg_bump_version();

create trigger _300_touch_updated_at
    before update on rental.tickets
    for each row execute function core.tg_touch_updated_at();

-- Live boards: every member of the landlord's tenant may read all of these columns.
create trigger _600_outbox_insert
    after insert on rental.tickets
    referencing new table as changed_rows
    for each statement execute function core.tg_outbox('tickets', 'owner_user_id', '{id}',
        '{owner_user_id,id,unit_id,tenant_id,title,description,status,priority,contractor_id,created_at,updated_at,version}');

create trigger _600_outbox_update
    after update on rental.tickets
    referencing new table as changed_rows
    for each statement execute function core.tg_outbox('tickets', 'owner_user_id', '{id}',
        '{owner_user_id,id,unit_id,tenant_id,title,description,status,priority,contractor_id,created_at,updated_at,version}');

create trigger _600_outbox_delete
    after delete on rental.tickets
    referencing old table as changed_rows
    for each statement execute function core.tg_outbox('tickets', 'owner_user_id', '{id}',
        '{owner_user_id,id,unit_id,tenant_id,title,description,status,priority,contractor_id,created_at,updated_at,version}');

select core.attach_audit('rental.tickets', 'core.audit_log', 'owner_user_id');
