-- Called in a transaction of its own: the one that failed is rolled back, and this with it.

create or replace function core.log_error(
    p_action text, p_sqlstate text, p_message text, p_context jsonb default '{}'
) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_longest constant integer := 16384;
    v_context jsonb := core.redact(coalesce(p_context, '{}'));
    v_id      bigint;
begin
    if coalesce(p_action, '') = '' or p_message is null or p_sqlstate !~ '^[0-9A-Z]{5}$' or jsonb_typeof(v_context) <> 'object' then
        perform core.raise_error('PT400', 'bad_request', 'An error needs an action and a message; its code has five characters, its context is an object.');
    end if;

    if octet_length(v_context::text) > c_longest then
        v_context := jsonb_build_object('left_out', 'context was longer than ' || c_longest || ' bytes');
    end if;
    insert into core.error_events (tenant_id, user_id, action, sqlstate, message, context, created_at)
    values (
        core.active_tenant_id(), core.current_user_id(), left(p_action, 200), p_sqlstate,
        -- a connection string in a driver's message carries its password
        left(regexp_replace(p_message, '(://[^\s:/@]*):[^\s@]*@', '\1:[redacted]@', 'g'), 4000),
        v_context, clock_timestamp())
    returning id into v_id;
    return v_id;
end
$fn$;

alter function core.log_error(text, text, text, jsonb) owner to app_definer;
revoke execute on function core.log_error(text, text, text, jsonb) from public;
grant execute on function core.log_error(text, text, text, jsonb) to app_user, app_renter, app_worker;

comment on function core.log_error(text, text, text, jsonb) is
    'Record an error with the person and tenant of the transaction; values of secret keys in the context are redacted, long texts cut. '
    'Call it after the failed transaction was rolled back. Each call records. Errors: PT400 no action or message, malformed code or context.';
