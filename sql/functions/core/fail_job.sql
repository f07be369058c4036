create or replace function core.fail_job(
    p_job_id uuid, p_worker text, p_error text, p_retryable boolean default true, p_retry_after double precision default null
) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_job core.job_queue;
begin
    perform core.settle_lease(
        core.lease_of(p_job_id, p_worker), '{}',
        jsonb_build_array(jsonb_build_object('id', p_job_id, 'error', p_error, 'retryable', p_retryable, 'retry_after', p_retry_after)), null);
    select j.* into v_job from core.all_jobs as j where j.id = p_job_id and j.status in ('pending', 'failed');
    return v_job;
end
$fn$;

alter function core.fail_job(uuid, text, text, boolean, double precision) owner to app_definer;
revoke execute on function core.fail_job(uuid, text, text, boolean, double precision) from public;
grant execute on function core.fail_job(uuid, text, text, boolean, double precision) to app_worker;

comment on function core.fail_job(uuid, text, text, boolean, double precision) is
    'Fail one job a worker holds: tried again after the backoff of its type (or p_retry_after seconds) while retries are left, else and '
    'when not retryable failed for good. Returns the job. Not idempotent: the second call is refused. Errors: PT409 the worker does not '
    'hold the job.';
