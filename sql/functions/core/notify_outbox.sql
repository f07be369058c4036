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
        -- The row itself stays out: a payload has 8,000 bytes and knows no row security.
        perform pg_notify('dbkit_outbox', jsonb_build_object('id', p_id, 'tenant_id', p_tenant, 'channel', p_channel)::text);
    end if;
end
$fn$;

revoke execute on function core.notify_outbox(uuid, text, bigint) from public;
grant execute on function core.notify_outbox(uuid, text, bigint) to app_definer;

comment on function core.notify_outbox(uuid, text, bigint) is
    'Wake the listeners of dbkit_outbox at commit, unless another transaction is about to. Internal. Errors: none.';
