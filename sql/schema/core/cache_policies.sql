-- core.cache_policies: what may be cached, for how long, and what makes it stale.

-- dbkit: allow table_without_timestamps because reference rows come with seeds and migrations, which have their history
create table core.cache_policies (
    name          text not null,
    priority      text not null,
    ttl_seconds   integer,
    tag           text,
    source_tables text[] not null default '{}',
    varies_by     text not null default 'tenant',
    is_internal   boolean not null default false,
    description   text not null default '',

    constraint cache_policies_pkey primary key (name),
    constraint cache_policies_name_valid check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint cache_policies_priority_valid check (priority in ('P0', 'P1', 'P2', 'NEVER')),
    constraint cache_policies_ttl_seconds_check check (ttl_seconds between 1 and 86400),
    constraint cache_policies_ttl_rule check ((priority = 'NEVER') = (ttl_seconds is null)),
    constraint cache_policies_varies_by_valid check (varies_by in ('tenant', 'role', 'user', 'person'))
);

comment on table core.cache_policies is 'Classes of cached values. NEVER: nothing of the class may be cached.';
comment on column core.cache_policies.tag is 'Every entry of the class carries it; triggers on the source tables invalidate it.';
comment on column core.cache_policies.source_tables is
    'Tables the values are made from, also of modules that are not installed. core.cache_unguarded lists those without the trigger.';
comment on column core.cache_policies.varies_by is
    'Who shares an entry: tenant (all members), role (members of one role), user (one member), person (one user, in whatever tenant).';
comment on column core.cache_policies.is_internal is 'Written by the database''s own functions only: core.cache_set refuses it.';
