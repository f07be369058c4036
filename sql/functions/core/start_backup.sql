-- A backup that is never finished stays visible as one: ok is null, finished_at too.

create or replace function core.start_backup(p_kind text, p_location_hash text default null) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_id bigint;
begin
    if p_kind is null or p_kind not in ('dump', 'basebackup', 'wal') then
        perform core.raise_error('PT422', 'invalid', 'A backup is a dump, a basebackup or wal.', '{"kind": "unknown"}');
    end if;
    insert into core.backup_runs (kind, location_hash, started_at)
    values (p_kind, p_location_hash, clock_timestamp())
    returning id into v_id;
    return v_id;
end
$fn$;

alter function core.start_backup(text, text) owner to app_definer;
revoke execute on function core.start_backup(text, text) from public;
grant execute on function core.start_backup(text, text) to dbkit_backup, app_owner;

comment on function core.start_backup(text, text) is
    'Record that a backup begins; returns its id for core.finish_backup. Each call is one. Errors: PT422 unknown kind.';
