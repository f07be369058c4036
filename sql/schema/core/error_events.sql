-- core.error_events: errors an application reported. Append-only; context is redacted before it is stored.

create table core.error_events (
    id         bigint generated always as identity,
    tenant_id  uuid,
    user_id    uuid,
    action     text not null,
    sqlstate   text,
    message    text not null,
    context    jsonb not null default '{}',
    created_at timestamptz not null default now(),

    constraint error_events_pkey primary key (id),
    constraint error_events_sqlstate_valid check (sqlstate ~ '^[0-9A-Z]{5}$'),
    constraint error_events_context_is_object check (jsonb_typeof(context) = 'object')
);

-- errors of a period: core.probe_errors, core.probe_error_rate, core.apply_retention_policies
create index error_events_created_idx on core.error_events (created_at);

comment on table core.error_events is 'Errors by core.log_error. Without foreign keys: what happened outlives whom it happened to.';
comment on column core.error_events.tenant_id is 'The tenant of the transaction that reported it; null before sign-in.';
comment on column core.error_events.context is 'What the application knew, values of secret keys redacted.';
