-- Without pg_stat_statements there is no data, which is not the same as no slow statement.

create or replace function core.probe_slow_statements(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select count(*) from core.statement_statistics() as s where s.mean_ms > 100);
exception
    when sqlstate 'PT503' then
        return null;
end
$fn$;

revoke execute on function core.probe_slow_statements(integer, text) from public;
grant execute on function core.probe_slow_statements(integer, text) to app_definer;

comment on function core.probe_slow_statements(integer, text) is
    'Probe: statements of this database with a mean over 100 ms; null without pg_stat_statements. Errors: none.';
