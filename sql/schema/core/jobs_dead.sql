-- core.jobs_dead: jobs that failed for good or were cancelled. core.retry_job brings one back, core.purge_jobs removes old ones.

create table core.jobs_dead (
    scheduled_at  timestamptz not null,
    created_at    timestamptz not null,
    started_at    timestamptz,
    finished_at   timestamptz not null default clock_timestamp(),
    lane_id       integer not null,
    priority      integer not null,
    retry_count   integer not null,
    max_retries   integer not null,
    lease_seconds integer not null,
    id            uuid not null,
    tenant_id     uuid,
    created_by    uuid,
    status        text not null,
    job_type      text not null,
    dedupe_key    text,
    worker        text,
    error_message text,
    payload       jsonb not null,

    constraint jobs_dead_pkey primary key (id),
    constraint jobs_dead_status_valid check (status in ('failed', 'cancelled')),
    constraint jobs_dead_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade
);

-- core.purge_jobs, and failures of a period
create index jobs_dead_finished_at_idx on core.jobs_dead (finished_at);
-- a tenant's own jobs, and its deletion
create index jobs_dead_tenant_id_idx on core.jobs_dead (tenant_id);

comment on table core.jobs_dead is 'Dead letters: jobs that failed for good, and cancelled ones.';
