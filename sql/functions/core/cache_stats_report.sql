create or replace function core.cache_stats_report(p_since interval default '1 hour')
returns table (name text, hits bigint, misses bigint, hit_rate numeric)
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    with counted as (
        select s.name, s.hits, s.misses
          from core.cache_stats as s
         where s.bucket > now() - p_since
         union all
        select l.name, count(*) filter (where l.is_hit), count(*) filter (where not l.is_hit)
          from core.cache_lookups as l
         where l.bucket > now() - p_since
         group by l.name
    )
    select p.name,
           coalesce(sum(c.hits), 0)::bigint,
           coalesce(sum(c.misses), 0)::bigint,
           round(sum(c.hits) / nullif(sum(c.hits) + sum(c.misses), 0), 4)
      from core.cache_policies as p
      left join counted as c
        on c.name = p.name
     where p.priority <> 'NEVER'
     group by p.name
     order by p.name;
end;

alter function core.cache_stats_report(interval) owner to app_definer;
revoke execute on function core.cache_stats_report(interval) from public;
grant execute on function core.cache_stats_report(interval) to app_monitor, app_platform_admin;

comment on function core.cache_stats_report(interval) is
    'Hits, misses and hits / (hits + misses) per policy in the last p_since, by whole minutes; the rate is null where nobody looked. Reads '
    'only. Errors: none.';
