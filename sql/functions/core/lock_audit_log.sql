-- Owned by app_owner, as LOCK TABLE asks for rights that nobody has on the log; the statement changes nothing.

create or replace function core.lock_audit_log() returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '10s'
as $fn$
begin
    alter table core.audit_log enable trigger _000_append_only;
end
$fn$;

revoke execute on function core.lock_audit_log() from public;
grant execute on function core.lock_audit_log() to app_definer;

comment on function core.lock_audit_log() is
    'Wait for everybody who is writing to the audit log, and keep others from it until the transaction ends. Internal. Idempotent. Errors: 55P03.';
