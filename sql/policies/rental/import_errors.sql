-- rental.import_errors: an append-only log that landlords read; the import functions write it.

alter table rental.import_errors enable row level security;
alter table rental.import_errors force row level security;

-- Forced row security binds the owner, too; foreign keys and definer functions pass here.
create policy system_all on rental.import_errors
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy owners_can_view_own_import_errors on rental.import_errors
    for select to app_user, app_readonly
    using (
        owner_user_id = (select core.active_tenant_id())
        and (select core.has_permission('audit.view'))
    );

comment on policy system_all on rental.import_errors is 'Owner and definer functions see every row.';
comment on policy owners_can_view_own_import_errors on rental.import_errors is
    'A landlord, or a member who may read logs, sees what an import refused.';

-- No insert, update or delete: a log that its readers can edit is no log.
grant select on rental.import_errors to app_user, app_readonly;

create trigger _100_tenant_immutable
    before update on rental.import_errors
    for each row when (old.owner_user_id is distinct from new.owner_user_id)
    execute function core.tg_tenant_immutable('owner_user_id');
