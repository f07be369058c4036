create or replace function core.put_queue(p_name text, p_is_fair boolean default false, p_max_running integer default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_queue core.queues;
begin
    if p_is_fair is null or p_name is null or p_name !~ '^[a-z][a-z0-9_-]{0,62}$' or p_max_running <= 0 then
        perform core.raise_error('PT422', 'invalid', 'A queue has a name of lower-case letters, digits, _ and -, and a positive limit or none.');
    end if;
    -- one at a time: two queues may not take one mark
    perform pg_advisory_xact_lock(hashtextextended('core.queue_lanes', 0));
    insert into core.queues (name, is_fair) values (p_name, p_is_fair) on conflict (name) do nothing;
    select q.* into v_queue from core.queues as q where q.name = p_name for no key update;
    if v_queue.is_fair <> p_is_fair and exists (
        select
          from core.queue_lanes as l
         where l.queue = p_name
           and (exists (select from core.jobs_ready as r where r.lane_id = l.id)
                or exists (select from core.jobs_scheduled as s where s.lane_id = l.id)
                or exists (select from core.jobs_dead as x where x.lane_id = l.id)
                or exists (select from core.job_leases as h where h.queue = p_name)))
    then
        perform core.raise_error('PT409', 'conflict', 'A queue that holds jobs cannot change between fair and not: make another one.');
    end if;
    update core.queues as q
       set is_fair = p_is_fair,
           max_running = p_max_running,
           lease_low = case when p_max_running is not null then coalesce(q.lease_low, (
                select c.oid
                  from pg_class as c
                 where c.relnamespace = 'core'::regnamespace
                   and c.relkind = 'S'
                   and c.relname like 'queue\_mark\_%'
                   and not exists (select from core.queue_lanes as l where l.mark = c.oid)
                   and not exists (select from core.queues as other where other.lease_low = c.oid)
                 order by c.relname desc
                 limit 1)) end
     where q.name = p_name
    returning q.* into v_queue;
    -- leases claimed without counting may still live
    perform setval(v_queue.lease_low, 0);
    perform core.lane_of(p_name, 0);
end
$fn$;

alter function core.put_queue(text, boolean, integer) owner to app_definer;
revoke execute on function core.put_queue(text, boolean, integer) from public;
grant execute on function core.put_queue(text, boolean, integer) to app_platform_admin;

comment on function core.put_queue(text, boolean, integer) is
    'Make a queue or change it: fair (tenants take turns by core.put_queue_weight) or first in, first out; with an exact limit of running '
    'jobs or none. Idempotent. Errors: PT409 change between fair and not while it holds jobs, PT422 a name or limit that is none.';
