-- The event is part of the caller's transaction: when that rolls back, there is neither a row nor a notification.

create or replace function core.emit(
    p_channel text, p_event text, p_entity_type text, p_entity_id text, p_payload jsonb default '{}'
) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_id     bigint;
begin
    if p_channel is null or p_channel !~ '^[a-z][a-z0-9_:-]{0,62}$' then
        perform core.raise_error('PT422', 'invalid', 'A channel is named in lower case, with up to 63 letters, digits and _ : -.',
                                 '{"channel": "malformed"}');
    elsif p_event is null or p_event not in ('INSERT', 'UPDATE', 'DELETE', 'CUSTOM') then
        perform core.raise_error('PT422', 'invalid', 'An event is INSERT, UPDATE, DELETE or CUSTOM.', '{"event": "unknown"}');
    elsif p_entity_type is null or p_entity_id is null then
        perform core.raise_error('PT422', 'invalid', 'An event names the kind and the id of what it is about.', '{"entity_id": "missing"}');
    end if;

    perform core.announce_events(v_tenant);
    insert into core.outbox_events (tenant_id, channel, event, entity_type, entity_id, payload)
    values (v_tenant, p_channel, p_event, p_entity_type, p_entity_id, coalesce(p_payload, '{}'))
    returning id into v_id;
    perform core.notify_outbox(v_tenant, p_channel, v_id);
    return v_id;
end
$fn$;

alter function core.emit(text, text, text, text, jsonb) owner to app_definer;
revoke execute on function core.emit(text, text, text, text, jsonb) from public;
grant execute on function core.emit(text, text, text, text, jsonb) to app_user;

comment on function core.emit(text, text, text, text, jsonb) is
    'Tell the listeners of a channel of the active tenant, when this transaction commits. Returns the id of the event; each call is one. '
    'The wake-up on dbkit_outbox gives every login that listens the event''s id, its channel and a digest of the tenant''s id; '
    'what happened is read through row security. '
    'Errors: PT401 nobody is signed in, PT403 no tenant named, PT422 malformed channel, event or entity.';
