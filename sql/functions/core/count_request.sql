-- The row lock is waited for 50 ms, so that a stuck transaction does not stop the requests behind it; then the policy decides.
-- Times come from before the wait; `greatest` keeps them in the order width_bucket needs. A request of the future was counted before the
-- clock was set back: its window begins anew.

create or replace function core.count_request(p_policy text, p_key text)
returns table (allowed boolean, max_requests integer, remaining integer, retry_after integer, reset_at timestamptz)
    language plpgsql volatile
    rows 1
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '50ms'
as $fn$
declare
    v_now    timestamptz := clock_timestamp();
    v_ahead  timestamptz := v_now + interval '1 minute';
    v_policy core.rate_limit_policies;
    v_span   interval;
    v_step   interval;
    v_hits   timestamptz[];
    v_tat    timestamptz;
begin
    select p.* into v_policy from core.rate_limit_policies as p where p.name = p_policy;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no such rate limit policy.', '{"policy": "is not known"}');
    elsif p_key is null then
        perform core.raise_error('PT400', 'bad_request', 'A limit needs a signed-in user, a client address or a key.');
    -- core.rate_limit_key has put before it whose it is: tenant:…:, user:…: or anon:
    elsif length(p_key) > 255 + (case left(p_key, 1) when 't' then 44 when 'u' then 42 else 5 end) then
        perform core.raise_error('PT400', 'bad_request', 'The key of a limit has at most 255 characters.');
    end if;
    max_requests := v_policy.max_requests;
    v_span := v_policy.window_seconds * interval '1 second';
    -- rounded down, so that a whole burst fits into the window
    v_step := trunc(v_policy.window_seconds * 1e6 / v_policy.max_requests) * interval '1 microsecond';

    begin
        if v_policy.algorithm = 'exact' then
            insert into core.rate_limits as r (policy, key, max_requests, next_at, hits, updated_at)
            values (p_policy, p_key, v_policy.max_requests, case when v_policy.max_requests = 1 then v_now + v_span end, array[v_now], v_now)
            on conflict (policy, key) do update
               set (max_requests, next_at, hits, updated_at) = (
                       select v_policy.max_requests,
                              next.hits[cardinality(next.hits) - v_policy.max_requests + 1] + v_span,
                              next.hits,
                              v_now
                         from (select case
                                          when r.updated_at > v_ahead then excluded.hits
                                          else r.hits[width_bucket(v_now - v_span, r.hits) + 1 :]
                                               || greatest(v_now, r.hits[cardinality(r.hits)])
                                      end) as next (hits))
             where (r.next_at > v_now and r.updated_at <= v_ahead) is not true
            returning r.hits into v_hits;
            allowed := found;
            remaining := v_policy.max_requests - cardinality(v_hits);
            reset_at := v_hits[1] + v_span;
        else
            insert into core.rate_limits as r (policy, key, max_requests, next_at, tat, updated_at)
            values (p_policy, p_key, v_policy.max_requests, v_now + 2 * v_step - v_span, v_now + v_step, v_now)
            on conflict (policy, key) do update
               set (max_requests, next_at, tat, updated_at) = (
                       select v_policy.max_requests, next.tat + v_step - v_span, next.tat, v_now
                         from (select case
                                          when r.updated_at > v_ahead then excluded.tat
                                          else greatest(r.tat, v_now) + v_step
                                      end) as next (tat))
             where (r.next_at > v_now and r.updated_at <= v_ahead) is not true
            returning r.tat into v_tat;
            allowed := found;
            remaining := trunc(extract(epoch from v_now + v_span - v_tat) / extract(epoch from v_step));
            reset_at := v_tat;
        end if;
    exception
        when lock_not_available or insufficient_resources then
            return query select * from core.rate_limit_degraded(p_policy, sqlerrm);
            return;
    end;

    retry_after := 0;
    if not allowed then
        -- somebody took the last request meanwhile
        perform nextval('core.rate_limit_refusals');
        select r.next_at into reset_at from core.rate_limits as r where r.policy = p_policy and r.key = p_key;
        remaining := 0;
        retry_after := greatest(1, ceil(extract(epoch from reset_at - v_now)));
    end if;
    return next;
end
$fn$;

alter function core.count_request(text, text) owner to app_definer;
revoke execute on function core.count_request(text, text) from public;

comment on function core.count_request(text, text) is
    'Count a request of a stored key under a policy if it is allowed. Internal: core.rate_limit says whose request it is, and answers '
    'refusals by itself. Each call counts. Errors: PT400 no key or a long one, PT422 no such policy.';
