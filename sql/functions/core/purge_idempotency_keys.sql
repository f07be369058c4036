create or replace function core.purge_idempotency_keys(p_batch integer default 20000) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_removed integer;
begin
    delete from core.idempotency_keys as k
     where k.ctid = any (array(
               select expired.ctid
                 from core.idempotency_keys as expired
                where expired.expires_at <= clock_timestamp()
                order by expired.expires_at
                limit p_batch
                  for update skip locked));
    get diagnostics v_removed = row_count;
    return v_removed;
end
$fn$;

alter function core.purge_idempotency_keys(integer) owner to app_definer;
revoke execute on function core.purge_idempotency_keys(integer) from public;

comment on function core.purge_idempotency_keys(integer) is
    'Remove at most p_batch expired keys; returns how many. For cron; safe in parallel. Idempotent. Errors: none.';
