-- A claim of one lane and all types raises its mark itself (core.next_jobs); this is for the others.

create or replace function core.raise_marks(p_jobs core.jobs_ready[], p_is_complete boolean) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
begin
    perform setval(claimed.sequence, low.tag)
       from (
            -- the mark on a level of its own, or it would be no boundary for the index
            select job.lane_id, l.mark as sequence, coalesce(pg_sequence_last_value(l.mark), -9223372036854775808) as mark, min(job.tag) as tag
              from unnest(p_jobs) as job
              join core.queue_lanes as l on l.id = job.lane_id
             group by job.lane_id, l.mark
            offset 0) as claimed
       cross join lateral (
            -- a claim of some types says nothing of the others, whose jobs may wait before it
            select coalesce(
                (select r.tag
                   from core.jobs_ready as r
                  where not p_is_complete
                    and r.lane_id = claimed.lane_id
                    and r.tag >= claimed.mark
                    and r.tag < claimed.tag
                  order by r.tag
                  limit 1),
                claimed.tag) as tag) as low
      where low.tag > claimed.mark;
end
$fn$;

alter function core.raise_marks(core.jobs_ready[], boolean) owner to app_definer;
revoke execute on function core.raise_marks(core.jobs_ready[], boolean) from public;

comment on function core.raise_marks(core.jobs_ready[], boolean) is
    'Let the next claims begin where this one did; p_is_complete: it took every type of job. Idempotent. Errors: none.';
