-- core.statement_statistics: pg_stat_statements of this database, where it is installed, in whatever schema. A view cannot name a
-- relation that is not there, so the text is put together when it runs; the schema is the one thing put in. As the caller: what
-- Postgres hides from a role without pg_read_all_stats stays hidden.

create function core.statement_statistics() returns table (
    queryid bigint, userid oid, user_name name, query text, calls bigint, rows bigint,
    total_ms double precision, mean_ms double precision, max_ms double precision
)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_schema name;
begin
    select n.nspname
      into v_schema
      from pg_extension as e
      join pg_namespace as n on n.oid = e.extnamespace
     where e.extname = 'pg_stat_statements';
    if not found then
        perform core.raise_error(
            'PT503', 'unavailable', 'pg_stat_statements is not installed in this database.', '{"run": "create extension pg_stat_statements"}');
    end if;
    return query execute format(
        $sql$
        select s.queryid, s.userid, pg_get_userbyid(s.userid), s.query, s.calls, s.rows,
               s.total_exec_time, s.mean_exec_time, s.max_exec_time
          from %I.pg_stat_statements as s
         where s.dbid = (select d.oid from pg_database as d where d.datname = current_database())
           and s.query !~* '(pg_stat_statements|core\.(slow_queries|top_queries_by_total_time|statement_statistics))'
        $sql$, v_schema);
exception
    when object_not_in_prerequisite_state then
        perform core.raise_error(
            'PT503', 'unavailable', 'pg_stat_statements is installed, but the server does not preload it.', '{"setting": "shared_preload_libraries"}');
end
$fn$;

revoke execute on function core.statement_statistics() from public;
grant execute on function core.statement_statistics() to app_monitor, app_definer;

comment on function core.statement_statistics() is
    'Statements of this database since the last reset, in milliseconds, without those that ask for statistics. '
    'Errors: PT503 pg_stat_statements is not installed or not preloaded.';
