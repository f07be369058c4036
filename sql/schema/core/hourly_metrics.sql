-- core.hourly_metrics: what core.metric_samples said, an hour a row.

create table core.hourly_metrics (
    name    text not null,
    hour    timestamptz not null,
    labels  jsonb not null default '{}',
    samples bigint not null,
    avg     double precision not null,
    p50     double precision not null,
    p95     double precision not null,
    p99     double precision not null,

    constraint hourly_metrics_pkey primary key (name, hour, labels),
    constraint hourly_metrics_hour_whole check (hour = date_trunc('hour', hour, 'UTC')),
    constraint hourly_metrics_samples_positive check (samples > 0)
);

-- core.apply_retention_policies
create index hourly_metrics_hour_idx on core.hourly_metrics (hour);

comment on table core.hourly_metrics is 'Number, mean and percentiles of each series in each hour that is over, by core.aggregate_metrics.';
comment on column core.hourly_metrics.hour is 'Beginning of the hour.';
