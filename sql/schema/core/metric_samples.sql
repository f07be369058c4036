-- core.metric_samples: single measurements, kept for days; core.hourly_metrics keeps what they say for a year.

create table core.metric_samples (
    id         bigint generated always as identity,
    name       text not null,
    value      double precision not null,
    labels     jsonb not null default '{}',
    tenant_id  uuid,
    created_at timestamptz not null default now(),

    constraint metric_samples_pkey primary key (id),
    constraint metric_samples_name_valid check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    -- a NaN would poison every percentile it is part of
    constraint metric_samples_value_finite check (value > '-Infinity' and value < 'Infinity'),
    constraint metric_samples_labels_is_object check (jsonb_typeof(labels) = 'object')
);

-- one metric over a period
create index metric_samples_name_created_idx on core.metric_samples (name, created_at desc);
-- core.apply_retention_policies and core.aggregate_metrics
create index metric_samples_created_idx on core.metric_samples (created_at);

comment on table core.metric_samples is 'Measurements by core.record_metric, such as response_ms, query_ms, db_cpu.';
comment on column core.metric_samples.labels is 'What tells series of one name apart, such as {"route": "/tickets"}; few values each.';
