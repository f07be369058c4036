-- What a partition does not get from its parent: row security, a policy, the revokes and statement triggers.

create or replace function core.guard_audit_partition(p_partition regclass) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    execute format(
        $sql$
        alter table %1$s enable row level security, force row level security;
        create policy system_all on %1$s for all to app_owner, app_definer using (true) with check (true);
        comment on policy system_all on %1$s is 'Owner and definer functions see every row.';
        revoke update, delete, truncate on %1$s from app_owner, app_definer;
        create trigger _000_no_truncate before truncate on %1$s for each statement execute function core.tg_no_truncate();
        $sql$,
        p_partition);
end
$fn$;

revoke execute on function core.guard_audit_partition(regclass) from public;

comment on function core.guard_audit_partition(regclass) is
    'Guard a new partition of the audit log like the one in its guard sheet. Internal. Not idempotent. Errors: 42710 it is guarded already.';
