-- core.cron_status: every job, whether what it calls is there, and its last run.

create view core.cron_status with (security_invoker = true) as
select j.name, j.system, j.schedule, j.run_mode, j.command, j.target, j.is_enabled,
       case j.run_mode
           when 'sql' then exists (
               select
                 from pg_catalog.pg_proc as p
                 join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
                where n.nspname = split_part(j.target, '.', 1)
                  and p.proname = split_part(j.target, '.', 2))
           else exists (
               select
                 from pg_catalog.pg_class as c
                 join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
                where n.nspname = split_part(j.target, '.', 1)
                  and c.relname = split_part(j.target, '.', 2))
       end as is_installed,
       j.description,
       j.created_at,
       r.started_at as last_started_at,
       r.finished_at as last_finished_at,
       r.ok as last_ok,
       r.rows_affected as last_rows_affected,
       r.message as last_message
  from core.cron_jobs as j
  left join lateral (
    select run.started_at, run.finished_at, run.ok, run.rows_affected, run.message
      from core.cron_runs as run
     where run.name = j.name
     order by run.started_at desc
     limit 1) as r on true;

comment on view core.cron_status is 'Scheduled jobs with their last run; the list behind dbkit cron list.';
comment on column core.cron_status.is_installed is 'Whether the function or table of the command exists; a job without is neither registered nor run.';
comment on column core.cron_status.last_ok is 'Null while it runs, or where its session died.';
