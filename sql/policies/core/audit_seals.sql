-- core.audit_seals: closed to every application role; core.seal_audit and core.verify_audit reach it as app_definer. Append-only.

alter table core.audit_seals enable row level security;
alter table core.audit_seals force row level security;

create policy system_all on core.audit_seals
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.audit_seals
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.audit_seals is 'Owner and definer functions see every row.';
comment on policy closed on core.audit_seals is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
revoke update, delete, truncate on core.audit_seals from app_owner, app_definer;

create trigger _000_append_only
    before update or delete on core.audit_seals
    for each row execute function core.tg_append_only();

create trigger _000_no_truncate
    before truncate on core.audit_seals
    for each statement execute function core.tg_no_truncate();
