-- The verdict is that of whoever restored; what differed says why.

create or replace function core.log_restore_verification(p_backup_id bigint, p_ok boolean, p_counts jsonb, p_mismatches jsonb) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_id bigint;
begin
    if p_ok is null or (p_ok and coalesce(jsonb_array_length(p_mismatches), 0) > 0) then
        perform core.raise_error('PT422', 'invalid', 'A verification succeeded or not, and one with mismatches did not.');
    end if;
    insert into core.restore_verifications (backup_id, verified_at, ok, row_counts, mismatches)
    -- the backup may be one this database forgot, or a restored copy never knew
    values ((select b.id from core.backup_runs as b where b.id = p_backup_id), clock_timestamp(), p_ok, coalesce(p_counts, '{}'), coalesce(p_mismatches, '[]'))
    returning id into v_id;
    return v_id;
end
$fn$;

alter function core.log_restore_verification(bigint, boolean, jsonb, jsonb) owner to app_definer;
revoke execute on function core.log_restore_verification(bigint, boolean, jsonb, jsonb) from public;
grant execute on function core.log_restore_verification(bigint, boolean, jsonb, jsonb) to dbkit_backup, app_owner;

comment on function core.log_restore_verification(bigint, boolean, jsonb, jsonb) is
    'Record that a backup was restored for a test, and what differed; returns the id of the record. Each call is one. '
    'Errors: 22023 mismatches that are no array, PT422 no verdict, or a good one with mismatches.';
