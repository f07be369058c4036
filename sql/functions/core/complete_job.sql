create or replace function core.complete_job(p_job_id uuid, p_worker text, p_result jsonb default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.settle_lease(
        core.lease_of(p_job_id, p_worker), array[p_job_id], null, case when p_result is not null then jsonb_build_object(p_job_id, p_result) end);
end
$fn$;

alter function core.complete_job(uuid, text, jsonb) owner to app_definer;
revoke execute on function core.complete_job(uuid, text, jsonb) from public;
grant execute on function core.complete_job(uuid, text, jsonb) to app_worker;

comment on function core.complete_job(uuid, text, jsonb) is
    'Complete one job a worker holds. Not idempotent: the second call is refused. core.complete_jobs settles many at once. '
    'Errors: PT409 the worker does not hold the job.';
