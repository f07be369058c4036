-- core.job_keys: dedupe keys of jobs that wait or run. A key is free again when its job has ended.

create table core.job_keys (
    job_id     uuid not null,
    tenant_id  uuid,
    job_type   text not null,
    dedupe_key text not null,
    created_at timestamptz not null default now(),

    constraint job_keys_pkey primary key (job_id),
    constraint job_queue_dedupe_key unique nulls not distinct (tenant_id, job_type, dedupe_key),
    constraint job_keys_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade
);

comment on table core.job_keys is 'Dedupe keys in use: one pending or processing job per tenant, type and key.';
