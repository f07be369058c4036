create or replace function core.probe_connections_percent(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select 100.0 * u.used / u.max_connections from core.connection_usage as u where u.database_name is null);
end
$fn$;

revoke execute on function core.probe_connections_percent(integer, text) from public;
grant execute on function core.probe_connections_percent(integer, text) to app_definer;

comment on function core.probe_connections_percent(integer, text) is
    'Probe: client connections of the whole server in percent of max_connections. Errors: none.';
