-- core.idempotency_claim for functions that do everything in one transaction: go on, give the old answer, or an error.

create or replace function core.idempotent_begin(p_scope text, p_key text, p_request jsonb) returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_claim record;
begin
    select c.* into v_claim from core.idempotency_claim(p_scope, p_key, p_request) as c;
    if v_claim.outcome = 'mismatch' then
        perform core.raise_error('PT409', 'idempotency_mismatch', 'This idempotency key was used with another request.');
    elsif v_claim.outcome = 'in_progress' then
        perform core.raise_error(
            'PT409', 'idempotency_in_progress', 'A request with this idempotency key is in progress.',
            jsonb_build_object('retry_after', v_claim.retry_after)::text);
    end if;
    return v_claim.response;
end
$fn$;

revoke execute on function core.idempotent_begin(text, text, jsonb) from public;
grant execute on function core.idempotent_begin(text, text, jsonb) to app_user;

comment on function core.idempotent_begin(text, text, jsonb) is
    'First line of a function that must not happen twice: null means go on and end with core.idempotent_finish; else the stored response '
    'to return as it is. A concurrent second caller waits for the first. Idempotent once finished. Errors: PT409 idempotency_mismatch key '
    'used with another request, PT409 idempotency_in_progress (the hint has retry_after), PT400 malformed scope or key, PT401 nobody is '
    'signed in, PT403 no tenant named.';
