-- core.rate_limit_violations: who ran into a limit. One row a key and window, so that hammering does not write.

-- dbkit: allow key_without_tenant_first because limits bind requests before any tenant is known
create table core.rate_limit_violations (
    id          bigint generated always as identity,
    policy      text not null,
    key         text not null,
    -- dbkit: allow tenant_column_nullable because limits bind requests before any tenant is known
    tenant_id   uuid,
    retry_after integer not null,
    created_at  timestamptz not null default now(),

    constraint rate_limit_violations_pkey primary key (id)
);

-- dbkit: allow index_without_tenant_first because report and purge look at all tenants
-- core.rate_limit_report and core.purge_rate_limits: violations of a period
create index rate_limit_violations_created_idx on core.rate_limit_violations (created_at);

comment on table core.rate_limit_violations is 'First refusal of a key in each window, written by core.rate_limit.';
comment on column core.rate_limit_violations.retry_after is 'Seconds the caller was told to wait.';
