-- core.job_envelopes: every batch a worker ever claimed, written once: one row carries all its jobs. By day, so that history leaves by
-- whole partitions. What happened to the jobs is in core.job_leases (running), core.jobs_done, core.jobs_scheduled and core.jobs_dead.

create table core.job_envelopes (
    id         bigint not null,
    claimed_at timestamptz not null,
    worker     text not null,
    jobs       core.jobs_ready[] not null,

    constraint job_envelopes_pkey primary key (id, claimed_at)
) partition by range (claimed_at);

-- A claim finds a place on a day nobody made a partition for.
create table core.job_envelopes_default partition of core.job_envelopes default;

-- core.ensure_job_partitions and core.purge_jobs run as app_definer.
alter table core.job_envelopes owner to app_definer;
alter table core.job_envelopes_default owner to app_definer;

comment on table core.job_envelopes is 'Claimed batches by day: who took which jobs when, as they were.';
comment on table core.job_envelopes_default is 'Batches of days without a partition of their own.';
