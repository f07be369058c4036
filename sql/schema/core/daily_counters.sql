-- core.daily_counters: business figures of a tenant, by its own calendar day.

-- dbkit: allow table_without_timestamps because a counter is of a day, and that is in its key
create table core.daily_counters (
    tenant_id uuid not null,
    metric    text not null,
    day       date not null,
    count     bigint not null default 0,
    amount    numeric(14, 2) not null default 0,

    constraint daily_counters_pkey primary key (tenant_id, metric, day),
    constraint daily_counters_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade,
    constraint daily_counters_metric_valid check (metric ~ '^[a-z][a-z0-9_]{0,62}$')
);

comment on table core.daily_counters is 'Counters of core.count_metric, such as jobs_created and invoices_sent; core.get_metrics_today reads today''s.';
comment on column core.daily_counters.day is 'Calendar day in the time zone of the tenant.';
comment on column core.daily_counters.amount is 'Sum of the amounts counted, in the currency of the tenant.';
