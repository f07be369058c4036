-- The error undoes what the transaction wrote, so there is nothing to record here: core.rate_limit_refusals counts in spite of it.

create or replace function core.rate_limit_or_raise(p_policy text, p_key text default null) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_answer record;
begin
    select r.* into v_answer from core.rate_limit(p_policy, p_key, false) as r;
    if not v_answer.allowed then
        perform core.raise_error(
            'PT429', 'rate_limited', 'Too many requests; try again later.',
            jsonb_build_object(
                'retry_after', v_answer.retry_after,
                'limit', v_answer.max_requests,
                'remaining', 0)::text);
    end if;
end
$fn$;

revoke execute on function core.rate_limit_or_raise(text, text) from public;
grant execute on function core.rate_limit_or_raise(text, text) to app_user, app_anon, app_definer;

comment on function core.rate_limit_or_raise(text, text) is
    'Count a request under a policy and refuse it by an error when there are too many; the first line of a sensitive function. Each call '
    'counts. Errors: PT429 too many (the hint has retry_after in seconds, limit and remaining), PT400 neither user nor address nor key, '
    'PT422 no such policy.';
