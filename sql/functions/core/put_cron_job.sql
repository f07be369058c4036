-- One hand for seeds and projects. Whether a job is on is the operator's: it stays as it is.

create or replace function core.put_cron_job(
    p_name text, p_schedule text, p_command text, p_system text, p_description text default '', p_run_mode text default 'sql'
) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    insert into core.cron_jobs as j (name, schedule, command, system, description, run_mode)
    values (p_name, p_schedule, p_command, p_system, p_description, p_run_mode)
    on conflict (name) do update
       set schedule = excluded.schedule,
           command = excluded.command,
           system = excluded.system,
           description = excluded.description,
           run_mode = excluded.run_mode
     where (j.schedule, j.command, j.system, j.description, j.run_mode)
           is distinct from (excluded.schedule, excluded.command, excluded.system, excluded.description, excluded.run_mode);
end
$fn$;

revoke execute on function core.put_cron_job(text, text, text, text, text, text) from public;
grant execute on function core.put_cron_job(text, text, text, text, text, text) to app_definer;

comment on function core.put_cron_job(text, text, text, text, text, text) is
    'Add a scheduled job or restore its schedule and command; for seeds and migrations, which run as app_definer or app_owner. Register it '
    'with core.sync_cron. Idempotent. Errors: 23514 malformed name, schedule or command.';
