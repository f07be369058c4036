-- Runs beside the writers and takes no lock of theirs: a range ends at the oldest transaction that is still open, so every transaction in
-- it has ended and no entry can come to it any more. Run it every few minutes; a long transaction holds the range back, not the writers.

create or replace function core.seal_audit() returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_end     constant bigint := 9223372036854775807;
    v_system  constant bigint := (select c.system_identifier from pg_control_system() as c);
    v_to      bigint;
    v_last    core.audit_seal_runs;
    v_sealed  bigint;
    v_newest  bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('core.seal_audit', 0));
    select r.* into v_last from core.audit_seal_runs as r order by r.run desc limit 1;
    v_to := (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint;

    if v_last.system_identifier <> v_system or v_last.to_transaction > v_to then
        -- another server: what the old one left unsealed and what this one has written so far is one last run of the old timeline
        perform core.lock_audit_log();
        select coalesce(max(l.id), 0) into v_newest from core.audit_log as l;
        v_sealed := core.seal_audit_range(v_last.timeline, v_last.system_identifier, v_last.after_id, v_newest, v_last.to_transaction, c_end);
        return v_sealed + core.seal_audit_range(v_last.timeline + 1, v_system, greatest(v_newest, v_last.after_id), c_end, 0, v_to);
    end if;
    return core.seal_audit_range(coalesce(v_last.timeline, 1), v_system, coalesce(v_last.after_id, 0), c_end, coalesce(v_last.to_transaction, 0), v_to);
end
$fn$;

alter function core.seal_audit() owner to app_definer;
revoke execute on function core.seal_audit() from public;
grant execute on function core.seal_audit() to app_worker, app_monitor;

comment on function core.seal_audit() is
    'Seal the audit entries of all transactions that ended since the last run; returns how many. What is sealed cannot be changed, removed '
    'or added to without core.verify_audit seeing it. Idempotent: with nothing new it does nothing. Errors: 55P03 on a restored server '
    'only, when writers do not let go of the log.';
