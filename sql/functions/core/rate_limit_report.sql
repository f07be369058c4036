create or replace function core.rate_limit_report(p_since interval default '1 hour')
returns table (policy text, violations bigint, keys bigint, last_at timestamptz)
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    select p.name, count(v.id), count(distinct v.key), max(v.created_at)
      from core.rate_limit_policies as p
      left join core.rate_limit_violations as v
        on v.policy = p.name
       and v.created_at > now() - p_since
     group by p.name
     order by p.name;
end;

alter function core.rate_limit_report(interval) owner to app_definer;
revoke execute on function core.rate_limit_report(interval) from public;
grant execute on function core.rate_limit_report(interval) to app_monitor, app_platform_admin;

comment on function core.rate_limit_report(interval) is
    'Per policy how often keys ran into the limit (once a key and window), and how many keys, in the last p_since. Reads only. Errors: none.';
