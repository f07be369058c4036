create or replace function core.heartbeat_job(p_job_id uuid, p_worker text) returns timestamptz
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_until timestamptz;
begin
    update core.job_leases as l
       set lease_until = clock_timestamp() + make_interval(secs => l.lease_seconds)
     where l.id = core.lease_of(p_job_id, p_worker)
    returning l.lease_until into v_until;
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The worker does not hold this job any more.', jsonb_build_object('id', p_job_id)::text);
    end if;
    return v_until;
end
$fn$;

alter function core.heartbeat_job(uuid, text) owner to app_definer;
revoke execute on function core.heartbeat_job(uuid, text) from public;
grant execute on function core.heartbeat_job(uuid, text) to app_worker;

comment on function core.heartbeat_job(uuid, text) is
    'Extend the lease of a job (and of those claimed with it) and return until when. Repeating it extends again. '
    'Errors: PT409 the worker does not hold the job.';
