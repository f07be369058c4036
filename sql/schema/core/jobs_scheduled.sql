-- core.jobs_scheduled: jobs that are not due yet: delayed ones and retries. core.promote_jobs moves them to core.jobs_ready.

create table core.jobs_scheduled (
    scheduled_at  timestamptz not null,
    created_at    timestamptz not null,
    lane_id       integer not null,
    priority      integer not null,
    retry_count   integer not null default 0,
    max_retries   integer not null,
    lease_seconds integer not null,
    id            uuid not null,
    tenant_id     uuid,
    created_by    uuid,
    job_type      text not null,
    dedupe_key    text,
    error_message text,
    payload       jsonb not null,

    constraint jobs_scheduled_pkey primary key (id),
    constraint jobs_scheduled_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade
);

-- core.promote_jobs: what is due
create index jobs_scheduled_scheduled_at_idx on core.jobs_scheduled (scheduled_at);
-- a tenant's own jobs, and its deletion
create index jobs_scheduled_tenant_id_idx on core.jobs_scheduled (tenant_id);

comment on table core.jobs_scheduled is 'Delayed jobs and retries, waiting for their time.';
