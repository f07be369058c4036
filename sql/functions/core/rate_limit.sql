-- A refusal reads one row, so whoever hammers pays with a look-up. Anything else goes through core.count_request, where the row lock
-- makes check and count one.

create or replace function core.rate_limit(p_policy text, p_key text default null, p_is_recorded boolean default true)
returns table (allowed boolean, max_requests integer, remaining integer, retry_after integer, reset_at timestamptz)
    language plpgsql volatile
    security definer
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key      text;
    v_refusals bigint;
    v_is_due   boolean;
begin
    -- Whatever PL/pgSQL evaluates by itself is prepared anew in every transaction, at a microsecond apiece: hence one question for all that
    -- is unusual, and one statement for the answer.
    if p_key is null or current_setting('app.user_id', true) <> '' or current_setting('transaction_read_only') = 'on' then
        -- A standby has no unlogged tables, a read-only transaction cannot count.
        if current_setting('transaction_read_only') = 'on' then
            return query select * from core.rate_limit_degraded(p_policy, 'the transaction is read-only');
            return;
        end if;
        v_key := core.rate_limit_key(p_policy, p_key);
    end if;
    -- No row: not refused. A row of the future was counted before the clock was set back, and binds nobody.
    select false,
           r.max_requests,
           0,
           ceil(date_part('epoch', r.next_at - clock_timestamp()))::integer,
           r.next_at,
           nextval('core.rate_limit_refusals'),
           p_is_recorded and (r.recorded_until > clock_timestamp()) is not true
      into allowed, max_requests, remaining, retry_after, reset_at, v_refusals, v_is_due
      from core.rate_limits as r
     where r.policy = p_policy
       and r.key = coalesce(v_key, 'anon:' || p_key)
       and r.next_at > clock_timestamp()
       and r.updated_at <= clock_timestamp() + interval '1 minute';
    if v_is_due is not false then
        if not found then
            return query select * from core.count_request(p_policy, coalesce(v_key, 'anon:' || p_key));
            return;
        end if;
        perform core.record_violation(p_policy, coalesce(v_key, 'anon:' || p_key), retry_after);
    end if;
    return next;
end
$fn$;

alter function core.rate_limit(text, text, boolean) owner to app_definer;
revoke execute on function core.rate_limit(text, text, boolean) from public;
grant execute on function core.rate_limit(text, text, boolean) to app_user, app_anon;

comment on function core.rate_limit(text, text, boolean) is
    'Count a request under a policy, and say whether it is allowed. The key defaults to the signed-in user, else the client address of the '
    'context; a key of the caller''s own counts within its tenant. A refused request is not counted and only reads, but for the first in a '
    'window, which is recorded. reset_at: when a refused caller may come again, else when the oldest counted request leaves the window '
    '(gcra: when all have drained). Where the limiter cannot answer, remaining is null and a notice says rate_limit_degraded. Each call '
    'counts; a rollback takes the count back. Errors: PT400 neither user nor address nor key, or a key over 255 characters, PT422 no such '
    'policy.';
