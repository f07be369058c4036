create or replace function core.probe_connections(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select u.used from core.connection_usage as u where u.database_name is null);
end
$fn$;

revoke execute on function core.probe_connections(integer, text) from public;
grant execute on function core.probe_connections(integer, text) to app_definer;

comment on function core.probe_connections(integer, text) is
    'Probe: client connections of the whole server. Errors: none.';
