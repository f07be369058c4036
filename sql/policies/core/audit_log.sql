-- core.audit_log: who holds audit.view reads the entries of the active tenant. Only triggers and definer functions write, and nobody
-- changes or removes an entry: the rights are revoked even from the owner, and triggers refuse whoever has them all the same.

alter table core.audit_log enable row level security;
alter table core.audit_log force row level security;
alter table core.audit_log_default enable row level security;
alter table core.audit_log_default force row level security;

create policy system_all on core.audit_log
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_auditors on core.audit_log
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('audit.view')));

-- Everybody goes through the parent and its policies.
create policy system_all on core.audit_log_default
    for all to app_owner, app_definer
    using (true)
    with check (true);

comment on policy system_all on core.audit_log is 'Owner and definer functions see every row.';
comment on policy select_auditors on core.audit_log is 'Who holds audit.view sees the history of the active tenant.';
comment on policy system_all on core.audit_log_default is 'Owner and definer functions see every row.';

grant select on core.audit_log to app_user, app_readonly;
revoke update, delete, truncate on core.audit_log, core.audit_log_default from app_owner, app_definer;

-- Row triggers are cloned to every partition, present and future; statement triggers are not (core.audit_partitions attaches them).
create trigger _000_append_only
    before update or delete on core.audit_log
    for each row execute function core.tg_append_only();

create trigger _000_no_truncate
    before truncate on core.audit_log
    for each statement execute function core.tg_no_truncate();

create trigger _000_no_truncate
    before truncate on core.audit_log_default
    for each statement execute function core.tg_no_truncate();
