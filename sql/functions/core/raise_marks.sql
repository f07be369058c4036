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
    if p_is_complete and p_jobs[1].lane_id = p_jobs[cardinality(p_jobs)].lane_id then
        -- the usual claim: one lane, in order, so its first job is the lowest
        perform setval(l.mark, p_jobs[1].tag)
           from core.queue_lanes as l
          where l.id = p_jobs[1].lane_id
            and p_jobs[1].tag > coalesce(pg_sequence_last_value(l.mark), p_jobs[1].tag - 1);
        return;
    end if;
    perform setval(l.mark, claimed.tag)
       from (
            select claimed.lane_id, case when p_is_complete then claimed.tag else coalesce(waiting.tag, claimed.tag) end as tag
              from (
                select job.lane_id, min(job.tag) as tag
                  from unnest(p_jobs) as job
                 group by job.lane_id) as claimed
             cross join core.queue_lanes as l
              -- a claim of some types says nothing of the others, whose jobs may wait before it
              left join lateral (
                select r.tag
                  from core.jobs_ready as r
                 where r.lane_id = claimed.lane_id
                   and r.tag >= coalesce(pg_sequence_last_value(l.mark), -9223372036854775808)
                   and not p_is_complete
                 order by r.tag
                 limit 1) as waiting on true
             where l.id = claimed.lane_id) as claimed
       join core.queue_lanes as l on l.id = claimed.lane_id
      where claimed.tag > coalesce(pg_sequence_last_value(l.mark), claimed.tag - 1);
end
$fn$;

alter function core.raise_marks(core.jobs_ready[], boolean) owner to app_definer;
revoke execute on function core.raise_marks(core.jobs_ready[], boolean) from public;

comment on function core.raise_marks(core.jobs_ready[], boolean) is
    'Let the next claims begin where this one did; p_is_complete: it took every type of job. Errors: none.';
