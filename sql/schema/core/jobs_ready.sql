-- core.jobs_ready: jobs that are due. Insert and delete only: a claim moves rows into an envelope (core.job_envelopes).
--
-- No foreign keys: a check per row would cost as much as the insert. core.add_job and core.enqueue_many look at type, lane and tenant
-- once a call and keep the tenant from going away until they commit; its deletion takes the jobs along (tg_tenants_delete_jobs).

-- What differs from job to job comes first and together: envelopes are compressed.
create table core.jobs_ready (
    tag           bigint not null,
    scheduled_at  timestamptz not null,
    created_at    timestamptz not null,
    id            uuid not null,
    tenant_id     uuid,
    lane_id       integer not null,
    priority      integer not null,
    retry_count   integer not null default 0,
    max_retries   integer not null,
    lease_seconds integer not null,
    created_by    uuid,
    job_type      text not null,
    dedupe_key    text,
    error_message text,
    payload       jsonb not null,

    constraint jobs_ready_pkey primary key (id)
);

-- core.next_jobs: the next jobs of a lane, in order and without a sort
create index idx_job_queue_pending on core.jobs_ready (lane_id, tag);
-- a tenant's own jobs, its end of the line in a fair queue, and its deletion
-- dbkit: allow wide_index because the end of a tenant's line in a fair queue is read from the index alone
create index idx_job_queue_company on core.jobs_ready (tenant_id, lane_id, priority, tag);

comment on table core.jobs_ready is 'Jobs that are due and wait for a worker.';
comment on column core.jobs_ready.tag is
    'Place in the lane: when the job was due in µs since 2000; in a fair queue the turn at which its tenant gets to it.';
comment on column core.jobs_ready.tenant_id is 'Whose job it is, from the context of the caller; null: the platform''s.';
comment on column core.jobs_ready.error_message is 'Why the attempt before failed.';
