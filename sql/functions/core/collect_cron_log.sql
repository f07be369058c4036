-- As the caller: pg_cron shows its log to the login a job ran as. A bare job cannot log itself, and a job that failed before or outside
-- core.run_cron left nothing. pg_cron never forgets; a day is enough to have been collected in.

create or replace function core.collect_cron_log() returns bigint
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_prefix constant text := 'dbkit:';
    v_count  bigint;
begin
    if not exists (select from pg_extension as e where e.extname = 'pg_cron')
       or not pg_try_advisory_xact_lock(hashtextextended('core.collect_cron_log', 0)) then
        return 0;
    end if;

    insert into core.cron_runs (name, started_at, finished_at, ok, message, pg_cron_runid)
    select j.name,
           -- one that could not be started has no times
           coalesce(d.start_time, d.end_time, clock_timestamp()),
           coalesce(d.end_time, d.start_time, clock_timestamp()),
           d.status = 'succeeded',
           left(rtrim(coalesce(d.return_message, d.status), e'\n'), 1000),
           d.runid
      from cron.job_run_details as d
      join cron.job as c on c.jobid = d.jobid
      join core.cron_jobs as j on c.jobname = c_prefix || j.name
     where c.database = current_database()
       and c.username = current_user
       and d.status = any (case j.run_mode when 'bare' then '{succeeded,failed}' else '{failed}' end::text[])
       and not exists (
           select from core.cron_runs as r where r.name = j.name and r.pg_cron_runid = d.runid)
     order by d.runid;
    get diagnostics v_count = row_count;

    delete from cron.job_run_details as d
     where d.database = current_database()
       and d.username = current_user
       and d.status in ('succeeded', 'failed')
       and coalesce(d.end_time, d.start_time, '-infinity') < clock_timestamp() - interval '1 day'
       and (d.command like 'select core.run\_cron(%'
            or d.command = 'select core.collect_cron_log()'
            or exists (select from cron.job as c where c.jobid = d.jobid and starts_with(c.jobname, c_prefix)));
    return v_count;
end
$fn$;

revoke execute on function core.collect_cron_log() from public;

comment on function core.collect_cron_log() is
    'Bring runs that only pg_cron logged into core.cron_runs, which alerts read: those of bare jobs, and those that failed outside '
    'core.run_cron; and forget what pg_cron says of our runs after a day. Call it as the login that registered the jobs; core.sync_cron '
    'has pg_cron do so each minute. Returns the number of runs. Idempotent, safe in parallel. Errors: none.';
