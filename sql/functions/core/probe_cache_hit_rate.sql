create or replace function core.probe_cache_hit_rate(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select 100 * sum(r.hits) / nullif(sum(r.hits + r.misses), 0)
          from core.cache_stats_report(make_interval(mins => p_minutes)) as r);
end
$fn$;

revoke execute on function core.probe_cache_hit_rate(integer, text) from public;
grant execute on function core.probe_cache_hit_rate(integer, text) to app_definer;

comment on function core.probe_cache_hit_rate(integer, text) is
    'Probe: hits in percent of all cache reads of the last p_minutes; null without reads. Errors: none.';
