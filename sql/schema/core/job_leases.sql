-- core.job_leases: batches that are being worked on. Its id fences: whoever holds it may settle the jobs, nobody else.

create table core.job_leases (
    id            bigint generated always as identity,
    claimed_at    timestamptz not null,
    lease_until   timestamptz not null,
    lease_seconds integer not null,
    open_count    integer not null,
    queue         text not null,
    worker        text not null,
    has_keys      boolean not null,
    settled       uuid[],
    cancelled     uuid[],

    constraint job_leases_pkey primary key (id),
    constraint job_leases_open_count_positive check (open_count > 0)
);

-- core.lease_of: the lease of a worker that holds a job
create index job_leases_worker_id_idx on core.job_leases (worker, id);

comment on table core.job_leases is 'Leases on claimed batches: who works on them and until when.';
comment on column core.job_leases.open_count is 'Jobs of the batch that are still to be settled.';
comment on column core.job_leases.has_keys is 'Whether a job of the batch holds a dedupe key.';
comment on column core.job_leases.settled is 'Jobs of the batch that are settled, or were cancelled; null: none.';
comment on column core.job_leases.cancelled is 'Those of them that were taken from the worker; null: none.';
