-- Once a key and window, and never by waiting: a row that is locked is being counted, or recorded, by somebody else.

create or replace function core.record_violation(p_policy text, p_key text, p_retry_after integer) returns void
    language sql volatile
    set search_path = pg_catalog, pg_temp
begin atomic
    with marked as (
        update core.rate_limits as r
           set recorded_until = clock_timestamp() + p.window_seconds * interval '1 second'
          from core.rate_limit_policies as p
         where p.name = p_policy
           and r.ctid = (
                   select l.ctid
                     from core.rate_limits as l
                    where l.policy = p_policy
                      and l.key = p_key
                      and (l.recorded_until > clock_timestamp()) is not true
                      for update skip locked)
        returning r.policy, r.key
    )
    insert into core.rate_limit_violations (policy, key, tenant_id, retry_after)
    select m.policy, m.key, core.active_tenant_id(), p_retry_after
      from marked as m;
end;

alter function core.record_violation(text, text, integer) owner to app_definer;
revoke execute on function core.record_violation(text, text, integer) from public;

comment on function core.record_violation(text, text, integer) is
    'Record that a key ran into a limit, unless that was done within the window. Internal. Idempotent within the window. Errors: none.';
