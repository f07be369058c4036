-- core.cron_runs: what ran when, and how it ended. A row without finished_at is running, or its session died.

create table core.cron_runs (
    id            bigint generated always as identity,
    name          text not null,
    started_at    timestamptz not null default now(),
    finished_at   timestamptz,
    ok            boolean,
    rows_affected bigint,
    message       text,
    pg_cron_runid bigint,

    constraint cron_runs_pkey primary key (id),
    constraint cron_runs_ok_iff_finished check ((ok is null) = (finished_at is null))
);

-- the last run of a job
create index cron_runs_name_started_idx on core.cron_runs (name, started_at desc);
-- core.apply_retention_policies
create index cron_runs_started_idx on core.cron_runs (started_at);

comment on table core.cron_runs is 'Log of core.run_cron, dbkit cron and core.collect_cron_log. History outlives the job, so there is no foreign key.';
comment on column core.cron_runs.rows_affected is 'What the function returned, where that is a number.';
comment on column core.cron_runs.message is 'SQLSTATE and message of a failure, or what the function returned.';
comment on column core.cron_runs.pg_cron_runid is 'cron.job_run_details.runid, where only pg_cron logged the run.';
