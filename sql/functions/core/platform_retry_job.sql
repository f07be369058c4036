create or replace function core.platform_retry_job(p_job_id uuid) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.change_job(p_job_id, 'pending', null, true);
end
$fn$;

alter function core.platform_retry_job(uuid) owner to app_definer;
revoke execute on function core.platform_retry_job(uuid) from public;
grant execute on function core.platform_retry_job(uuid) to app_platform_admin;

comment on function core.platform_retry_job(uuid) is
    'core.retry_job for platform administrators: any tenant''s job, without a context. Not idempotent: the second call is refused. Errors: '
    'PT404 no such job, PT409 the job has not failed, or its dedupe key is in use.';
