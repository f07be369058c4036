-- A limiter that fails must not take the service with it, except where a policy says that unlimited is worse than unavailable.

create or replace function core.rate_limit_degraded(p_policy text, p_why text)
returns table (allowed boolean, max_requests integer, remaining integer, retry_after integer, reset_at timestamptz)
    language plpgsql stable
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    select p.fail_mode = 'open', p.max_requests
      into allowed, max_requests
      from core.rate_limit_policies as p
     where p.name = p_policy;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no such rate limit policy.', '{"policy": "is not known"}');
    end if;
    raise notice 'rate_limit_degraded'
        using detail = format('Policy %s could not be applied: %s.', p_policy, p_why);
    if allowed then
        retry_after := 0;
    else
        remaining := 0;
        retry_after := 1;
        reset_at := clock_timestamp() + interval '1 second';
    end if;
    return next;
end
$fn$;

alter function core.rate_limit_degraded(text, text) owner to app_definer;
revoke execute on function core.rate_limit_degraded(text, text) from public;

comment on function core.rate_limit_degraded(text, text) is
    'The answer of a policy when the limiter cannot tell: allowed where it fails open, else refused for a second, with a notice. Internal. '
    'Errors: PT422 no such policy.';
