-- core.cron_jobs: the schedule as data. core.sync_cron gives it to pg_cron, `dbkit cron tick` runs it without.
-- A command is one call of one function, or one VACUUM: there is no place for a secret, a URL or a second statement.

create table core.cron_jobs (
    name        text not null,
    schedule    text not null,
    command     text not null,
    system      text not null,
    run_mode    text not null default 'sql',
    is_enabled  boolean not null default true,
    description text not null default '',
    target      text generated always as (substring(command from '[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*')) stored,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),

    constraint cron_jobs_pkey primary key (name),
    constraint cron_jobs_name_valid check (name ~ '^[a-z0-9-]{1,50}$'),
    constraint cron_jobs_system_valid check (system ~ '^[a-z][a-z0-9_]*$'),
    constraint cron_jobs_run_mode_valid check (run_mode in ('sql', 'bare')),
    constraint cron_jobs_schedule_valid check (core.is_cron_schedule(schedule)),
    constraint cron_jobs_command_valid check (
        case run_mode
            when 'sql' then command ~ '^select [a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\([^;()]*\)$'
            -- what may not run in a transaction
            else command ~ '^vacuum( \(analyze\))? [a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$'
        end)
);

comment on table core.cron_jobs is
    'Scheduled jobs of every module; rows come from seeds. All schedules are UTC. A job whose function or table is not there is not run.';
comment on column core.cron_jobs.schedule is 'Minute, hour, day of month, month, day of week, in UTC.';
comment on column core.cron_jobs.command is 'sql: select schema.function(…), run by core.run_cron. bare: one VACUUM, run outside a transaction.';
comment on column core.cron_jobs.system is 'Module the job belongs to.';
comment on column core.cron_jobs.is_enabled is 'False takes the job off the schedule; seeds leave it as it is.';
comment on column core.cron_jobs.target is 'The function or table of the command.';
comment on column core.cron_jobs.created_at is 'A job that never ran is due at its first slot after this.';
