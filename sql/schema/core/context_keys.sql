-- core.context_keys: the keys that seal a context. Rows are secrets of one database, made by core.ensure_context_key.

create table core.context_keys (
    id         bigint generated always as identity,
    key        bytea not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz,

    constraint context_keys_pkey primary key (id),
    -- one block of the hash in core.context_mac
    constraint context_keys_key_length check (length(key) = 128)
);

-- core.set_context seals with the one live key
create unique index context_keys_one_live_key on core.context_keys ((true)) where retired_at is null;

comment on table core.context_keys is 'Secret keys of the context seal, readable by definer functions only. One live row; rotation retires it.';
comment on column core.context_keys.retired_at is 'A seal holds in transactions that began before this moment, and in no later one.';
