-- As the caller: pg_cron runs a job as the role that registered it, which has to be a login. Only jobs named dbkit:… are ours to remove.
-- A body runs through core.run_cron, so that the log and the locks are the same with pg_cron and without. What that cannot log is in
-- pg_cron's own log, which is for the login that registered the job: hence a job that is not in the table, called cron_log.

create or replace function core.sync_cron() returns table (name text, action text)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_prefix constant text := 'dbkit:';
    v_job    record;
begin
    if not exists (select from pg_extension as e where e.extname = 'pg_cron') then
        if exists (select from core.app_settings as s where s.key = 'extension.pg_cron' and s.is_required) then
            perform core.raise_error('PT503', 'unavailable', 'The settings require pg_cron, which is not installed in this database.');
        end if;
        return query select s.name, 'kept as data'::text from core.cron_status as s order by s.name;
        return;
    end if;
    if not has_schema_privilege('cron', 'usage') then
        perform core.raise_error(
            'PT503', 'unavailable', 'This login may not use schema cron.',
            jsonb_build_object('run', format('grant usage on schema cron to %I', session_user))::text);
    end if;
    if upper(coalesce(current_setting('cron.timezone', true), 'GMT')) not in ('GMT', 'UTC', 'ETC/UTC') then
        perform core.raise_error('PT503', 'unavailable', 'Schedules are UTC, and pg_cron is set to another time zone.', '{"setting": "cron.timezone"}');
    end if;
    perform pg_advisory_xact_lock(hashtextextended('core.sync_cron', 0));

    for v_job in
        select coalesce(wanted.name, substr(have.jobname, length(c_prefix) + 1)) as name,
               coalesce(wanted.is_enabled and wanted.is_installed, false) as is_wanted,
               wanted.is_enabled,
               wanted.target,
               wanted.schedule,
               wanted.command,
               have.jobid,
               have.active and (have.schedule, have.command) is not distinct from (wanted.schedule, wanted.command) as is_same
          from (select s.name, s.is_enabled, s.is_installed, s.target, s.schedule,
                       case s.run_mode when 'sql' then format('select core.run_cron(%L)', s.name) else s.command end as command
                  from core.cron_status as s
                 union all
                -- a name that no job of the table can have
                select 'cron_log', true, true, 'core.collect_cron_log', '* * * * *', 'select core.collect_cron_log()') as wanted
          full join (
            select j.jobid, j.jobname, j.schedule, j.command, j.active
              from cron.job as j
             where j.jobname like c_prefix || '%'
               and j.database = current_database()
               and j.username = current_user) as have on have.jobname = c_prefix || wanted.name
         order by 1
    loop
        name := v_job.name;
        if v_job.is_wanted and v_job.is_same then
            action := 'unchanged';
        elsif v_job.is_wanted then
            -- Scheduling a name again does not wake a job that was switched off.
            perform cron.unschedule(v_job.jobid) where v_job.jobid is not null;
            perform cron.schedule(c_prefix || v_job.name, v_job.schedule, v_job.command);
            action := case when v_job.jobid is null then 'registered' else 'updated' end;
        else
            perform cron.unschedule(v_job.jobid) where v_job.jobid is not null;
            action := case
                          when v_job.is_enabled is null then 'removed'
                          when not v_job.is_enabled then 'disabled'
                          else 'missing ' || v_job.target
                      end;
        end if;
        return next;
    end loop;
end
$fn$;

revoke execute on function core.sync_cron() from public;

comment on function core.sync_cron() is
    'Make pg_cron''s jobs named dbkit:… equal to core.cron_jobs; call it as the login that migrates, whom the jobs then run as. Action: '
    'registered, updated, unchanged, removed (no longer in the table), disabled, missing <function> (not installed yet, so not registered), '
    'or kept as data (no pg_cron here). One more job, cron_log, brings pg_cron''s log into core.cron_runs. Idempotent. '
    'Errors: PT503 pg_cron is required and absent, out of reach, or not on UTC.';
