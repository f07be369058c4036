-- Runs through row security, so a tenant's events are all it can return. Volatile on purpose: the rows are looked at after the
-- question which of them are settled, not with the snapshot from before it.

create or replace function core.read_events(p_channel text, p_after bigint default 0, p_limit integer default 100)
returns setof core.outbox_events
    language plpgsql volatile parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant  uuid := core.require_tenant();
    v_limit   integer := least(greatest(coalesce(p_limit, 100), 1), 1000);
    v_settled bigint;
begin
    if p_channel is null then
        perform core.raise_error('PT422', 'invalid', 'Name the channel to read.', '{"channel": "missing"}');
    elsif current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        perform core.raise_error('PT400', 'bad_request', 'Events are read in a READ COMMITTED transaction: an older snapshot would skip some.');
    elsif pg_is_in_recovery() then
        perform core.raise_error('PT503', 'unavailable', 'Events are read on the primary: a standby does not know what is still being written.');
    end if;

    -- Mostly there is nothing, and that must cost nothing: what is settled takes a look at the locks of the server. The newest id is
    -- one step in the index; "exists (… id > p_after)" would be planned as if a match were near, and read the table to find none.
    if coalesce((
            select e.id
              from core.outbox_events as e
             where e.tenant_id = v_tenant and e.channel = p_channel
             order by e.id desc
             limit 1), 0) <= coalesce(p_after, 0) then
        return;
    end if;
    v_settled := core.settled_event_id();
    return query
        select e.tenant_id, e.id, e.channel, e.event, e.entity_type, e.entity_id, e.payload, e.created_at, e.published_at
          from core.outbox_events as e
         where e.tenant_id = v_tenant
           and e.channel = p_channel
           and e.id > coalesce(p_after, 0)
           and e.id <= v_settled
         order by e.id
         limit v_limit;
end
$fn$;

revoke execute on function core.read_events(text, bigint, integer) from public;
grant execute on function core.read_events(text, bigint, integer) to app_user, app_readonly, app_worker;

comment on function core.read_events(text, bigint, integer) is
    'Events of a channel of the active tenant with ids above p_after (0: from the oldest kept), in their order, 100 or up to 1,000. '
    'Resume with the last id returned: none is lost and none comes twice, however late its transaction commits. An event behind one '
    'that is still being written in this tenant waits for it. Reads only. Errors: PT400 not in a READ COMMITTED transaction, PT401 '
    'nobody is signed in, PT403 no tenant named, PT422 no channel, PT503 on a standby.';
