-- As the caller: core.job_queue decides what is visible. The id says when the job was made, and it cannot have been claimed before.

create or replace function core.find_job(p_job_id uuid) returns setof core.job_queue
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return query
        select j.*
          from core.job_queue as j
         where j.id = p_job_id
           and (j.started_at is null
                or j.started_at >= to_timestamp(('x' || substr(replace(p_job_id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) - interval '1 second')
         order by j.created_at
         limit 1;
end
$fn$;

revoke execute on function core.find_job(uuid) from public;
grant execute on function core.find_job(uuid) to app_user, app_readonly, app_platform_admin;

comment on function core.find_job(uuid) is 'A job by its id, as core.job_queue shows it to the caller; no row when there is none. Errors: none.';
