-- Keys nobody used for two windows, and the keys of policies that are gone. Rows in use are skipped: no request waits for the purge.

create or replace function core.purge_rate_limits(p_batch integer default 20000) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_removed integer;
begin
    delete from core.rate_limits as r
     where r.ctid = any (array(
               select idle.ctid
                 from core.rate_limits as idle
                 left join core.rate_limit_policies as p
                   on p.name = idle.policy
                where p.name is null
                   or idle.updated_at < clock_timestamp() - 2 * p.window_seconds * interval '1 second'
                limit p_batch
                  for update of idle skip locked));
    get diagnostics v_removed = row_count;

    delete from core.rate_limit_violations as v
     where v.id = any (array(
               select old.id
                 from core.rate_limit_violations as old
                where old.created_at < now() - interval '30 days'
                order by old.created_at
                limit p_batch
                  for update skip locked));
    return v_removed;
end
$fn$;

alter function core.purge_rate_limits(integer) owner to app_definer;
revoke execute on function core.purge_rate_limits(integer) from public;

comment on function core.purge_rate_limits(integer) is
    'Remove at most p_batch idle keys, and violations older than 30 days; returns the keys removed. For cron; safe in parallel. Idempotent. '
    'Errors: none.';
