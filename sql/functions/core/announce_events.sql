-- A shared advisory lock is the announcement: everybody sees it before the transaction commits, it goes when the transaction is over,
-- and it costs no row. Its class is the tenant, its object the last id drawn so far: what this transaction draws is higher. One per
-- transaction and tenant is enough, or a loop of events would fill the lock table.

create or replace function core.announce_events(p_tenant uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_mark text := pg_current_xact_id() || ' ' || p_tenant;
begin
    if current_setting('app.outbox_announced', true) is distinct from v_mark then
        perform pg_advisory_xact_lock_shared(
            hashtext('core.outbox_events:' || p_tenant),
            coalesce(pg_sequence_last_value('core.outbox_events_id_seq'), 0)::bit(32)::integer);
        -- taken back with the lock, should a savepoint be rolled back
        perform set_config('app.outbox_announced', v_mark, true);
    end if;
end
$fn$;

revoke execute on function core.announce_events(uuid) from public;
grant execute on function core.announce_events(uuid) to app_definer;

comment on function core.announce_events(uuid) is
    'Call before inserting into core.outbox_events: readers of the tenant wait for this transaction from here on. Internal. '
    'Idempotent. Errors: none.';
