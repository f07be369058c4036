create or replace function core.complete_jobs(p_lease bigint, p_done uuid[] default null, p_failed jsonb default null, p_results jsonb default null)
returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.settle_lease(p_lease, p_done, p_failed, p_results);
end
$fn$;

alter function core.complete_jobs(bigint, uuid[], jsonb, jsonb) owner to app_definer;
revoke execute on function core.complete_jobs(bigint, uuid[], jsonb, jsonb) from public;
grant execute on function core.complete_jobs(bigint, uuid[], jsonb, jsonb) to app_worker;

comment on function core.complete_jobs(bigint, uuid[], jsonb, jsonb) is
    'Settle jobs of a lease: those in p_done are completed (null: all that p_failed does not name), those in p_failed ({"id", "error", '
    '"retryable", "retry_after" seconds}) are tried again later or fail for good; results by job id. Jobs not named stay in the lease. '
    'Returns how many were settled. Not idempotent: the second call is refused. Errors: PT400 malformed failures, PT409 the lease is gone, '
    'a job named is not open in it, or p_done is null and a job of it was cancelled: name them then; nothing was settled.';
