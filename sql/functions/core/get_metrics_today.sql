create or replace function core.get_metrics_today() returns table (metric text, count bigint, amount numeric)
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    return query
        select c.metric, c.count, c.amount
          from core.daily_counters as c
         where c.tenant_id = v_tenant
           and c.day = core.tenant_today(v_tenant)
         order by c.metric;
end
$fn$;

alter function core.get_metrics_today() owner to app_definer;
revoke execute on function core.get_metrics_today() from public;
grant execute on function core.get_metrics_today() to app_user, app_readonly;

comment on function core.get_metrics_today() is
    'The figures of the active tenant since its own midnight; a figure nobody counted today has no row. '
    'Errors: PT401 nobody is signed in, PT403 no tenant named.';
