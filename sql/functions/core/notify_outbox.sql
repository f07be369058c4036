-- NOTIFY makes the commits of a database queue up behind each other, so not every event may send one. While another transaction of
-- the same slot is about to wake the listeners, this one stays silent: a listener therefore also reads every few seconds without
-- having been woken. Slots keep a long transaction from silencing more than its share of the tenants.

create or replace function core.notify_outbox(p_tenant uuid, p_channel text, p_id bigint) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_slots constant integer := 16;
begin
    if pg_try_advisory_xact_lock(hashtextextended('core.outbox_events:' || abs(uuid_hash(p_tenant)::bigint) % c_slots, 0)) then
        -- Everybody may listen, so the row stays out and the tenant goes by a digest: who knows its id recognizes it, nobody else learns it.
        perform pg_notify('dbkit_outbox', jsonb_build_object(
            'id', p_id, 'tenant', left(encode(sha256(convert_to(p_tenant::text, 'UTF8')), 'hex'), 16), 'channel', p_channel)::text);
    end if;
end
$fn$;

revoke execute on function core.notify_outbox(uuid, text, bigint) from public;
grant execute on function core.notify_outbox(uuid, text, bigint) to app_definer;

comment on function core.notify_outbox(uuid, text, bigint) is
    'Wake the listeners of dbkit_outbox at commit, unless another transaction is about to. The payload has id, channel and tenant, '
    'the first 16 hex digits of the SHA-256 of the tenant''s id. Internal. Idempotent in a transaction. Errors: none.';
