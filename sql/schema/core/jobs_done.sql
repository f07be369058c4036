-- core.jobs_done: which jobs of an envelope were completed. Partitioned as the envelopes are, by when the jobs were claimed, so that a
-- day's jobs and their outcomes leave together.

create table core.jobs_done (
    lease_id    bigint not null,
    claimed_at  timestamptz not null,
    finished_at timestamptz not null,
    job_ids     uuid[],
    results     jsonb,

    -- an envelope may be settled in parts, one after the other
    constraint jobs_done_pkey primary key (lease_id, claimed_at, finished_at)
) partition by range (claimed_at);

create table core.jobs_done_default partition of core.jobs_done default;

-- core.ensure_job_partitions and core.purge_jobs run as app_definer.
alter table core.jobs_done owner to app_definer;
alter table core.jobs_done_default owner to app_definer;

comment on table core.jobs_done is 'Completed jobs by day of their claim.';
comment on column core.jobs_done.job_ids is 'Which jobs of the envelope; null: all of them.';
comment on column core.jobs_done.results is 'What the handlers gave back, by job id.';
comment on table core.jobs_done_default is 'Outcomes of days without a partition of their own.';
