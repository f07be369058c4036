create or replace function core.cancel_job(p_job_id uuid) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_permission('jobs_queue.manage');
    return core.change_job(p_job_id, 'cancelled', core.active_tenant_id(), false);
end
$fn$;

alter function core.cancel_job(uuid) owner to app_definer;
revoke execute on function core.cancel_job(uuid) from public;
grant execute on function core.cancel_job(uuid) to app_user;

comment on function core.cancel_job(uuid) is
    'Cancel a job that waits or runs. The worker of a running one learns it at its next heartbeat, and what it reports is refused. Returns '
    'the job. Not idempotent: the second call is refused. Errors: PT401 nobody is signed in, PT403 no tenant named or permission '
    'jobs_queue.manage missing, PT404 no such job in the tenant, PT409 the job has ended.';
