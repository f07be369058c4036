create or replace function core.probe_errors(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select count(*) from core.error_events as e where e.created_at > clock_timestamp() - make_interval(mins => p_minutes));
end
$fn$;

revoke execute on function core.probe_errors(integer, text) from public;
grant execute on function core.probe_errors(integer, text) to app_definer;

comment on function core.probe_errors(integer, text) is
    'Probe: errors in the last p_minutes. Errors: none.';
