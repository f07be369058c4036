-- First the last id drawn, then the locks: a transaction whose announcement is not there yet draws higher ids than that. The object of
-- a lock holds the low 32 bits of an id; what seems to lie ahead by half of that range was announced in between.

create or replace function core.settled_event_id() returns bigint
    language plpgsql volatile parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_low_bits constant bigint := 4294967295;
    v_tenant   uuid := core.active_tenant_id();
    v_last     bigint := coalesce(pg_sequence_last_value('core.outbox_events_id_seq'), 0);
begin
    return v_last - coalesce((
        select max(running.distance)
          from (
              select (v_last - l.objid::bigint) & c_low_bits as distance
                from pg_locks as l
               where l.locktype = 'advisory'
                 and l.database = (select d.oid from pg_database as d where d.datname = current_database())
                 and l.classid = hashtext('core.outbox_events:' || v_tenant)::oid
                 and l.objsubid = 2
                 -- the own events are in sight; a prepared transaction has no process
                 and l.pid is distinct from pg_backend_pid()
          ) as running
         where running.distance <= c_low_bits / 2), 0);
end
$fn$;

alter function core.settled_event_id() owner to app_definer;
revoke execute on function core.settled_event_id() from public;
grant execute on function core.settled_event_id() to app_user, app_readonly, app_worker;

comment on function core.settled_event_id() is
    'The id up to which no event of the active tenant can still appear. Internal, for core.read_events. Reads only. Errors: none.';
