-- core.idempotency_keys: what a request with a key of its own came to, so that sending it again does not do it again.
-- A row without response is being worked on: by attempt number `attempt`, until lease_until.

create table core.idempotency_keys (
    tenant_id       uuid not null,
    scope           text not null,
    idempotency_key text not null,
    request_hash    text not null,
    response        jsonb,
    attempt         integer not null default 1,
    lease_until     timestamptz not null,
    created_at      timestamptz not null default now(),
    expires_at      timestamptz not null default now() + interval '24 hours',

    constraint idempotency_keys_pkey primary key (tenant_id, scope, idempotency_key),
    constraint idempotency_keys_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade,
    constraint idempotency_keys_scope_valid check (scope ~ '^[a-z][a-z0-9_.:]{0,62}$'),
    constraint idempotency_keys_idempotency_key_length check (length(idempotency_key) between 1 and 255),
    constraint idempotency_keys_response_size check (octet_length(response::text) <= 65536)
) with (fillfactor = 80);

-- dbkit: allow index_without_tenant_first because the purge looks at all tenants
-- core.purge_idempotency_keys
create index idempotency_keys_expires_idx on core.idempotency_keys (expires_at);

comment on table core.idempotency_keys is 'Requests with an idempotency key and their responses, for 24 hours.';
comment on column core.idempotency_keys.scope is 'What the request does, e.g. payments.create: the same key in two scopes is two keys.';
comment on column core.idempotency_keys.request_hash is 'sha256 of the request as jsonb text, in hex: the same key with other data is refused.';
comment on column core.idempotency_keys.attempt is 'Grows when a crashed owner is taken over; its late response is refused.';
comment on column core.idempotency_keys.lease_until is 'Until when a row without response is in progress; then the next caller takes it over.';
