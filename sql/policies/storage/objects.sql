-- storage.objects: members work with the files of the active tenant, everybody reads what is in public buckets. Who holds
-- storage.manage deletes.

alter table storage.objects enable row level security;
alter table storage.objects force row level security;

create policy system_all on storage.objects
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on storage.objects
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()) or bucket_id = any ((select storage.public_bucket_ids())::text[]));

create policy insert_members on storage.objects
    for insert to app_user
    with check (tenant_id = (select core.active_tenant_id()) and owner_id = (select core.current_user_id()));

create policy update_members on storage.objects
    for update to app_user
    using (tenant_id = (select core.active_tenant_id()))
    with check (tenant_id = (select core.active_tenant_id()));

create policy delete_managers on storage.objects
    for delete to app_user
    using (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('storage.manage')));

comment on policy system_all on storage.objects is 'Owner and definer functions see every row.';
comment on policy select_members on storage.objects is 'Members see the files of the active tenant, and everybody those in public buckets.';
comment on policy insert_members on storage.objects is 'Members reserve names below the id of the active tenant, for themselves.';
comment on policy update_members on storage.objects is 'Members change what is said about files of the active tenant.';
comment on policy delete_managers on storage.objects is 'Who holds storage.manage deletes files of the active tenant.';

grant select on storage.objects to app_user, app_readonly;
-- No state: an object is uploaded when storage.finish_upload says so.
grant insert (bucket_id, name, owner_id, size_bytes, mime_type, is_encrypted, key_id, metadata) on storage.objects to app_user;
-- No name: a file never moves to another tenant. No size or type: they were checked when the name was reserved.
grant update (metadata) on storage.objects to app_user;
grant delete on storage.objects to app_user;

create trigger _150_check_object
    before insert or update of size_bytes, mime_type on storage.objects
    for each row execute function storage.tg_check_object();

create trigger _300_touch_updated_at
    before update on storage.objects
    for each row execute function core.tg_touch_updated_at();

-- Whoever keeps the bytes follows: a deleted row means bytes to remove.
create trigger _600_outbox_update
    after update on storage.objects
    referencing new table as changed_rows
    for each statement execute function core.tg_outbox('storage', 'tenant_id', '{id}', '{bucket_id,name,size_bytes,mime_type,state}');

create trigger _600_outbox_delete
    after delete on storage.objects
    referencing old table as changed_rows
    for each statement execute function core.tg_outbox('storage', 'tenant_id', '{id}', '{bucket_id,name,size_bytes,mime_type,state}');
