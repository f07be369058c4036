create or replace function core.job_backoff(p_job_type text, p_retry integer) returns interval
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_minutes integer[] := coalesce((select t.backoff_minutes from core.job_types as t where t.job_type = p_job_type), '{1,5,15}');
begin
    return make_interval(mins => v_minutes[least(greatest(p_retry, 1), cardinality(v_minutes))]);
end
$fn$;

alter function core.job_backoff(text, integer) owner to app_definer;
revoke execute on function core.job_backoff(text, integer) from public;
grant execute on function core.job_backoff(text, integer)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.job_backoff(text, integer) is
    'How long a job waits before its first, second, … retry: by its type, else 1, 5, 15 minutes; the last one repeats. Errors: none.';
