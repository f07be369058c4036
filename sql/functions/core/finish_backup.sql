-- The outcome of a backup is said once: a later word would hide a failure.

create or replace function core.finish_backup(p_id bigint, p_ok boolean, p_size_bytes bigint default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_ok is null or p_size_bytes < 0 then
        perform core.raise_error('PT422', 'invalid', 'A backup ends well or not, with a size that is not negative.');
    end if;
    update core.backup_runs as b
       set ok = p_ok, size_bytes = p_size_bytes, finished_at = clock_timestamp()
     where b.id = p_id and b.finished_at is null;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'No backup of that id is running.');
    end if;
end
$fn$;

alter function core.finish_backup(bigint, boolean, bigint) owner to app_definer;
revoke execute on function core.finish_backup(bigint, boolean, bigint) from public;
grant execute on function core.finish_backup(bigint, boolean, bigint) to dbkit_backup, app_owner;

comment on function core.finish_backup(bigint, boolean, bigint) is
    'Record how a backup ended. Works once per backup. Errors: PT404 none of that id is running, PT422 no outcome, or a negative size.';
