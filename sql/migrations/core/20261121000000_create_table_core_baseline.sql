-- Migration: 20261121000000_create_table_core_baseline
-- Description: core baseline
-- Author: dbkit
-- Date: 2026-11-21
-- Dependencies: none
-- Rollback: down section

-- migrate:up

-- core: identity, tenants, permissions, context and the helpers every other module calls. Run as app_owner.

create schema core;

comment on schema core is 'Shared foundation: identity, tenants, permissions, session context, pagination, errors.';

-- CREATE is what lets a function be given to app_definer.
grant usage, create on schema core to app_definer;
grant usage on schema core
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

-- Not "in schema": Postgres can only take the built-in PUBLIC rights away globally, so this covers every module app_owner creates.
alter default privileges revoke execute on functions from public;
alter default privileges revoke usage on types from public;
-- The same for what app_definer creates itself, where a migration works as that role.
alter default privileges for role app_definer revoke execute on functions from public;
alter default privileges for role app_definer revoke usage on types from public;

alter default privileges in schema core grant all on tables to app_definer;
alter default privileges in schema core grant all on sequences to app_definer;

-- core.alert_rules: what is watched. A probe is a function by name, so a rule is data and holds no SQL.

create table core.alert_rules (
    name           text not null,
    description    text not null,
    probe          text not null,
    argument       text,
    comparator     text not null default '>',
    threshold      double precision not null,
    window_minutes integer not null default 0,
    for_minutes    integer not null default 0,
    every_minutes  integer not null default 1,
    severity       text not null default 'warning',
    channel        text not null default 'alerts',
    is_enabled     boolean not null default true,
    checked_at     timestamptz,
    last_value     double precision,
    last_error     text,
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),

    constraint alert_rules_pkey primary key (name),
    constraint alert_rules_name_valid check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    -- core.evaluate_alerts calls nothing that was not made to be a probe
    constraint alert_rules_probe_valid check (probe ~ '^[a-z_][a-z0-9_]*\.probe_[a-z0-9_]+$'),
    constraint alert_rules_comparator_valid check (comparator in ('>', '>=', '<', '<=')),
    constraint alert_rules_window_not_negative check (window_minutes >= 0),
    constraint alert_rules_for_not_negative check (for_minutes >= 0),
    constraint alert_rules_every_positive check (every_minutes > 0),
    constraint alert_rules_severity_valid check (severity in ('info', 'warning', 'critical'))
);

comment on table core.alert_rules is 'Rules of core.evaluate_alerts. Seeds add them; threshold, minutes, severity and channel are the operator''s to change.';
comment on column core.alert_rules.probe is 'Function (p_minutes integer, p_argument text) returning double precision; null means no data.';
comment on column core.alert_rules.argument is 'Second argument of the probe, such as the name of a metric.';
comment on column core.alert_rules.window_minutes is 'First argument of the probe: how far back it looks.';
comment on column core.alert_rules.for_minutes is 'How long the condition must hold before the alert fires; 0 fires at once.';
comment on column core.alert_rules.every_minutes is 'How often core.evaluate_alerts asks the probe.';
comment on column core.alert_rules.last_value is 'What the probe said at checked_at.';
comment on column core.alert_rules.last_error is 'Why the probe said nothing at checked_at; null when it answered.';

-- core.alerts: conditions that were noticed, from the first look to the last.

create table core.alerts (
    id            bigint generated always as identity,
    rule          text not null,
    state         text not null default 'pending',
    value         double precision,
    message       text not null,
    first_seen_at timestamptz not null default now(),
    fired_at      timestamptz,
    resolved_at   timestamptz,

    constraint alerts_pkey primary key (id),
    constraint alerts_rule_fkey foreign key (rule) references core.alert_rules (name) on delete cascade,
    constraint alerts_state_valid check (state in (
        'pending',  -- -> firing; deleted when the condition passes before for_minutes: nobody was told
        'firing',   -- -> resolved
        'resolved'
    )),
    constraint alerts_fired_unless_pending check ((state = 'pending') = (fired_at is null)),
    constraint alerts_resolved_at_matches check ((state = 'resolved') = (resolved_at is not null))
);

-- at most one that is not over for each rule, and the way to it
create unique index alerts_one_open_per_rule on core.alerts (rule) where state <> 'resolved';
-- the history of a rule
create index alerts_rule_idx on core.alerts (rule, first_seen_at desc);

comment on table core.alerts is 'Alerts of core.evaluate_alerts: pending until the condition held for_minutes, firing, resolved.';
comment on column core.alerts.value is 'What the probe said last while the condition held.';

-- core.alert_status: every rule and how it stands.

create view core.alert_status with (security_invoker = true) as
select r.name as rule, r.severity, r.description,
       case
           when not r.is_enabled then 'disabled'
           when a.state is not null then a.state
           -- silence is no good news
           when r.checked_at is null or r.last_value is null then 'unknown'
           else 'ok'
       end as state,
       r.last_value as value, r.comparator, r.threshold, r.for_minutes, a.first_seen_at, a.fired_at, r.checked_at, r.last_error, r.channel
  from core.alert_rules as r
  left join core.alerts as a on a.rule = r.name and a.state <> 'resolved';

comment on view core.alert_status is 'Alert rules with their state now: ok, pending, firing, unknown (the probe has no data or failed) or disabled.';
comment on column core.alert_status.value is 'What the probe said when it was asked last.';

-- core.allowed_origins: the browser origins each system answers.

create table core.allowed_origins (
    origin    text not null,
    system    text not null,
    is_active boolean not null default true,

    constraint allowed_origins_pkey primary key (system, origin),
    constraint allowed_origins_origin_valid check (origin ~ '^https?://[^/]+$'),
    constraint allowed_origins_origin_lower check (origin = lower(origin))
);

comment on table core.allowed_origins is 'Origins core.origin_allowed accepts, in lower case as browsers send them, without a path.';

-- core.app_settings: what an installation must have, and the settings that are no secret.

create table core.app_settings (
    key         text not null,
    value       text,
    is_required boolean not null default false,
    is_secret   boolean not null default false,
    description text not null default '',

    constraint app_settings_pkey primary key (key),
    -- a secret is named here and lives in a server setting of the same name
    constraint app_settings_secret_has_no_value check (not (is_secret and value is not null))
);

comment on table core.app_settings is 'Settings of the installation; core.assert_settings lists the required ones that are missing.';
comment on column core.app_settings.key is 'Name of a setting, or extension.<name> for an extension the installation needs.';

-- core.audit_action: what was done to an entity. A domain and not a CHECK of the log: PostgreSQL keeps the rule of a domain at hand, that of
-- a table it parses and plans again for every statement and partition, which costs three times as much.

-- dbkit: allow domain_with_constraint because the form of the value is settled and only the log has a column of it
create domain core.audit_action as text
    -- the words of the triggers first, which need no regular expression
    constraint audit_action_valid check (value in ('insert', 'update', 'delete', 'truncate') or value ~ '^[a-z_]+$');

comment on domain core.audit_action is 'A word of lower-case letters and underscores.';

-- core.audit_log: who changed what, of every audited table (core.attach_audit). Append-only, one partition a month
-- (core.audit_partitions); what no month takes goes to the default partition, so that a write never fails for want of one.

-- dbkit: allow key_without_tenant_first because nothing references an entry, and partitions need their time in the key
create table core.audit_log (
    id              bigint not null generated always as identity,
    -- dbkit: allow tenant_column_nullable because changes of data that is no tenant's are recorded as well
    tenant_id       uuid,
    user_id         uuid,
    action          core.audit_action not null,
    -- no language's order: an index of them costs half as much to write
    entity_type     text collate "C" not null,
    entity_id       text collate "C" not null,
    old_values      jsonb,
    new_values      jsonb,
    changed_columns text[],
    request_id      text,
    db_role         text not null default session_user,
    -- a bigint and not xid8: the older function gives one without a way through text
    transaction_id  bigint not null default txid_current(),
    created_at      timestamptz not null default now(),

    -- its order is the one core.seal_audit asks for: what was written since the last seal
    constraint audit_log_pkey primary key (transaction_id, id, created_at)
) partition by range (created_at);

create table core.audit_log_default partition of core.audit_log default;

-- Each index is paid for by every audited write. Times ascend in them, as they do when written: that fills pages from the left and
-- does not split them in the middle, and the newest first is as quickly read backward.
-- core.audit_search without an entity: the newest of a tenant
create index audit_log_tenant_created_idx on core.audit_log (tenant_id, created_at, id);
-- core.audit_search and core.audit_restore: the history of one entity
-- dbkit: allow wide_index because an entity is found by all of it, newest change first
create index audit_log_entity_idx on core.audit_log (tenant_id, entity_type, entity_id, created_at);

comment on table core.audit_log is 'Every insert, update, delete and truncate of an audited table: one row per entity, written in the same transaction.';
comment on table core.audit_log_default is 'Rows of months that have no partition yet; core.audit_partitions moves them.';
comment on column core.audit_log.id is 'In the order in which one entity changed: its rows are locked until the change before it is committed.';
comment on column core.audit_log.tenant_id is 'Whose row it was; null for data of no tenant. No foreign key: history outlives its tenant, actor and entity.';
comment on column core.audit_log.user_id is 'Who did it: the person of the context, null without a context.';
comment on column core.audit_log.action is 'insert, update, delete or truncate by trigger; other words by functions that write their own entries.';
comment on column core.audit_log.entity_type is 'schema.table of the entity.';
comment on column core.audit_log.entity_id is 'Its primary key without the tenant column; a JSON array where that has several columns.';
comment on column core.audit_log.old_values is 'Before: the whole row of a delete, the changed columns of an update. Redacted columns hold "[redacted]".';
comment on column core.audit_log.new_values is 'After: the whole row of an insert, the changed columns of an update.';
comment on column core.audit_log.request_id is 'The request id of the context.';
comment on column core.audit_log.db_role is 'The login the connection was opened with.';
comment on column core.audit_log.transaction_id is 'The transaction that wrote the row; core.seal_audit seals ranges of them.';

-- core.audit_seal_runs: each run of core.seal_audit takes the transactions that ended since the one before it.
-- A timeline is a server whose transaction ids count on. On a restored server they start over, and entries are told apart by their ids,
-- which a dump carries along: those of a timeline come after its after_id.

create table core.audit_seal_runs (
    run               bigint not null,
    timeline          integer not null,
    system_identifier bigint not null,
    after_id          bigint not null,
    from_transaction  bigint not null,
    to_transaction    bigint not null,
    entry_count       bigint not null,
    previous_head     bytea not null,
    head              bytea not null,
    sealed_at         timestamptz not null default clock_timestamp(),

    constraint audit_seal_runs_pkey primary key (run),
    constraint audit_seal_runs_range_valid check (from_transaction <= to_transaction)
);

comment on table core.audit_seal_runs is 'What core.seal_audit has sealed, as one chain: each head is a hash over the run and the head before it.';
comment on column core.audit_seal_runs.system_identifier is 'Of the server it ran on; another one begins another timeline.';
comment on column core.audit_seal_runs.after_id is 'Entries up to this id belong to earlier timelines.';
comment on column core.audit_seal_runs.to_transaction is 'The first transaction id that was not sealed: every one below had ended.';
comment on column core.audit_seal_runs.head is 'Keep a copy of the newest one elsewhere: core.verify_audit compares it.';

-- core.audit_seals: the entries of one tenant in one run and month, each by its hash, so that core.verify_audit can name the one that
-- changed. A month has seals of its own because retention drops whole months.

-- dbkit: allow table_without_timestamps because a seal is made when its run is
create table core.audit_seals (
    tenant_id      uuid not null,
    number         bigint not null,
    run            bigint not null,
    month          date not null,
    entry_ids      bigint[] not null,
    entry_hashes   uuid[] not null,
    previous_chain bytea not null,
    chain          bytea not null,

    constraint audit_seals_pkey primary key (tenant_id, number),
    constraint audit_seals_hash_per_entry check (cardinality(entry_ids) = cardinality(entry_hashes))
);

-- The seals of a run: its head is a hash over them.
-- dbkit: allow index_without_tenant_first because a run goes across all tenants
create index audit_seals_run_idx on core.audit_seals (run);

comment on table core.audit_seals is 'Hashes of sealed audit entries; a chain per tenant, under the heads of core.audit_seal_runs.';
comment on column core.audit_seals.tenant_id is 'The nil uuid stands for entries of no tenant. No foreign key: seals outlive their tenant.';
comment on column core.audit_seals.run is
    'The run. No foreign key: to lock the run, it would need the right to update it, which nobody has; its head covers the seal instead.';
comment on column core.audit_seals.number is 'Counts the seals of the tenant, without a gap.';
comment on column core.audit_seals.month is 'The month of the entries, in UTC.';
comment on column core.audit_seals.entry_hashes is 'The first 128 bits of the SHA-256 of each entry.';
comment on column core.audit_seals.chain is 'SHA-256 over the seal and the chain before it.';

-- core.backup_runs: which backups were taken of this database, by dbkit backup or by whatever else reports them.

create table core.backup_runs (
    id            bigint generated always as identity,
    kind          text not null,
    location_hash text,
    size_bytes    bigint,
    started_at    timestamptz not null,
    finished_at   timestamptz,
    ok            boolean,

    constraint backup_runs_pkey primary key (id),
    constraint backup_runs_kind_valid check (kind in ('dump', 'basebackup', 'wal')),
    constraint backup_runs_size_bytes_valid check (size_bytes >= 0)
);

-- the last backup that succeeded: alerts, dbkit deploy-check
create index backup_runs_finished_idx on core.backup_runs (kind, finished_at) where ok;

comment on table core.backup_runs is 'Backups of this database, those that failed too.';
comment on column core.backup_runs.location_hash is 'SHA-256 of where the backup is: tells places apart without telling where.';
comment on column core.backup_runs.ok is 'Null while it runs.';

-- core.blocking_locks: who waits, and for whom. One row a pair.

create view core.blocking_locks with (security_invoker = true) as
select waiting.pid as blocked_pid,
       waiting.usename as blocked_user,
       waiting.query as blocked_query,
       round(extract(epoch from clock_timestamp() - lock.waitstart), 1) as seconds,
       lock.locktype as lock_type,
       lock.mode as wanted_mode,
       case when lock.database = d.oid then lock.relation::pg_catalog.regclass::text end as relation,
       holder.pid as blocking_pid,
       holder.usename as blocking_user,
       holder.state as blocking_state,
       holder.query as blocking_query
  from pg_catalog.pg_stat_activity as waiting
  join pg_catalog.pg_locks as lock on lock.pid = waiting.pid and not lock.granted
  join pg_catalog.pg_database as d on d.datname = current_database()
 cross join unnest(pg_catalog.pg_blocking_pids(waiting.pid)) as blocker (pid)
  left join pg_catalog.pg_stat_activity as holder on holder.pid = blocker.pid
 where waiting.wait_event_type = 'Lock'
 order by seconds desc nulls last, blocked_pid, blocking_pid;

comment on view core.blocking_locks is 'Sessions that wait for a lock and the sessions they wait for, longest wait first.';
comment on column core.blocking_locks.relation is 'Table the wait is about; null for a wait for a row or transaction, and in another database.';
comment on column core.blocking_locks.blocking_pid is 'select pg_terminate_backend(pid) ends it; null for a prepared transaction.';

-- core.cache_entries: cached values. An entry is stale when an invalidation of one of its tags is not part of what it saw: `seen` is the
-- snapshot from before the value was computed, so a change that commits in between counts, too. Of its own transaction it saw what was
-- before `seen_at`. Nobody deletes entries to invalidate them, so writers of business tables never wait for each other here, and a
-- rollback leaves the entry as it was.
-- No index on tags: a tag is looked up among the tenant's own entries, and a trigger does not look at entries at all.

create unlogged table core.cache_entries (
    tenant_id  uuid not null,
    key        text not null collate "C",
    variant    text not null default '',
    value      jsonb not null,
    tags       text[] not null default '{}',
    seen       pg_snapshot not null default pg_current_snapshot(),
    seen_at    timestamptz not null default clock_timestamp(),
    xid        xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,

    constraint cache_entries_pkey primary key (tenant_id, key, variant),
    constraint cache_entries_value_size check (pg_column_size(value) <= 1048576)
);

-- dbkit: allow index_without_tenant_first because the purge looks at all tenants
-- core.cache_purge_expired
create index cache_entries_expires_idx on core.cache_entries (expires_at);

comment on table core.cache_entries is 'Values kept by core.cache_set until they expire or what they were made from changes.';
comment on column core.cache_entries.tenant_id is 'The tenant; for policies that vary by person, the user.';
comment on column core.cache_entries.key is 'Name of the policy, a colon, the caller''s key.';
comment on column core.cache_entries.variant is 'The role or user that shares the entry, by the policy''s varies_by.';
comment on column core.cache_entries.seen is 'Changes of other transactions outside this snapshot are newer than the value.';
comment on column core.cache_entries.seen_at is 'Changes of the own transaction after this are newer than the value.';
comment on column core.cache_entries.xid is 'The transaction that stored the value.';

-- core.cache_invalidations: which tags became stale in which transaction. Only ever inserted into by writers, so nobody waits.

create unlogged table core.cache_invalidations (
    tenant_id  uuid not null,
    tag        text not null collate "C",
    xid        xid8 not null default pg_current_xact_id(),
    prefix     text not null default '' collate "C",
    noted_at   timestamptz not null default clock_timestamp(),
    settled_at timestamptz,

    constraint cache_invalidations_pkey primary key (tenant_id, tag, xid, prefix)
) with (fillfactor = 80);

comment on table core.cache_invalidations is 'Invalidations of the last minutes; core.cache_get compares entries with them.';
comment on column core.cache_invalidations.tag is 'A tag; key:<key> for one key; * for every key that begins with prefix.';
comment on column core.cache_invalidations.noted_at is 'The last time in its transaction.';
comment on column core.cache_invalidations.settled_at is 'When the purge first saw it committed.';

-- core.cache_lookups: each core.cache_get, until core.cache_purge_expired sums them up. A row a look-up: a counter would be a row that all
-- readers of a cache lock.

-- dbkit: allow key_without_tenant_first because rows are only appended and summed up
-- dbkit: allow table_without_primary_key because an index would cost more than the row
-- dbkit: allow table_without_timestamps because bucket is the minute
create unlogged table core.cache_lookups (
    tenant_id uuid not null,
    bucket    timestamptz not null,
    name      text not null,
    is_hit    boolean not null
);

comment on table core.cache_lookups is 'Look-ups not yet in core.cache_stats.';

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

-- core.cache_stats: hits and misses per tenant, minute and policy.

-- dbkit: allow table_without_timestamps because bucket is the minute
create unlogged table core.cache_stats (
    tenant_id uuid not null,
    bucket    timestamptz not null,
    name      text not null,
    hits      bigint not null default 0,
    misses    bigint not null default 0,

    constraint cache_stats_pkey primary key (tenant_id, bucket, name)
);

-- core.cache_stats_report: the buckets of a period
create index cache_stats_bucket_idx on core.cache_stats (bucket);

comment on table core.cache_stats is 'Look-ups of the cache, summed up by core.cache_purge_expired.';

-- core.connection_usage: connections of each database, and of the whole server in the row without a database.

create view core.connection_usage with (security_invoker = true) as
with server as (
    select current_setting('max_connections')::integer as max_connections,
           current_setting('superuser_reserved_connections')::integer
           -- since PostgreSQL 16
           + coalesce(current_setting('reserved_connections', true), '0')::integer as reserved
),
sessions as (
    select a.datname,
           count(*)::integer as used,
           count(*) filter (where a.state = 'active')::integer as active,
           count(*) filter (where a.state like 'idle in transaction%')::integer as idle_in_transaction,
           -- the row of the whole server has the most
           (max(count(*)) over ())::integer as used_in_all
      from pg_catalog.pg_stat_activity as a
     where a.backend_type = 'client backend'
     group by grouping sets ((a.datname), ())
)
select s.datname as database_name,
       s.used,
       s.active,
       s.idle_in_transaction,
       least(case when d.datconnlimit >= 0 then d.datconnlimit end, server.max_connections) as max_connections,
       server.reserved,
       greatest(0, least(case when d.datconnlimit >= 0 then d.datconnlimit - s.used end,
                         server.max_connections - server.reserved - s.used_in_all)) as available
  from sessions as s
 cross join server
  left join pg_catalog.pg_database as d on d.datname = s.datname;

comment on view core.connection_usage is 'Connections used, free and reserved, per database; database_name is null in the row of the whole server.';
comment on column core.connection_usage.max_connections is 'Limit of the database where it has one, else of the server.';
comment on column core.connection_usage.reserved is 'Connections only superusers and the roles of reserved_connections get.';
comment on column core.connection_usage.available is 'What is left for everybody else: of the server, and of the database where it has a limit.';

-- Context, mode sealed: core.set_context checks the membership once and seals the settings; a setting written by hand has no seal
-- and reads as null. The seal (core.context_mac) holds in one transaction of one backend, for one user and tenant. The transactions of
-- one message of the simple protocol start at one time and count as one: whoever sends them could as well keep the first one open.
-- Policies call these as (select core.active_tenant_id()), so each runs once per statement. Both never raise: with garbage in the
-- settings the MAC differs, and nothing is cast before it was compared.

create function core.set_context(
    p_user_id uuid, p_tenant_id uuid default null, p_request_id text default null, p_client_ip text default null
) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    -- One statement: what a transaction pays for a function is mostly the number of its statements.
    perform set_config('app.user_id', p_user_id::text, true),
            set_config('app.tenant_id', coalesce(p_tenant_id::text, ''), true),
            set_config('app.request_id', coalesce(p_request_id, ''), true),
            set_config('app.client_ip', coalesce(p_client_ip, ''), true),
            set_config(
                'app.seal',
                k.id || '.' || core.context_mac(
                    k.key, p_user_id::text, coalesce(p_tenant_id::text, ''), pg_backend_pid(), transaction_timestamp()),
                true)
       from core.may_enter(p_user_id, p_tenant_id) cross join core.context_keys as k
      -- "is null" would go through the unique index, which costs more than the page this table has
      where num_nulls(k.retired_at) = 1;
    if not found then
        -- raises, unless it is the key that is missing
        perform core.check_access(p_user_id, p_tenant_id);
        perform core.ensure_context_key()
           where not exists (select from core.context_keys as k where k.retired_at is null);
        perform core.set_context(p_user_id, p_tenant_id, p_request_id, p_client_ip);
    end if;
end
$fn$;

alter function core.set_context(uuid, uuid, text, text) owner to app_definer;
revoke execute on function core.set_context(uuid, uuid, text, text) from public;

comment on function core.set_context(uuid, uuid, text, text) is
    'Name the person and the tenant of this transaction; call it first after BEGIN. Both end with the transaction. Idempotent. '
    'Errors: PT401 unknown or inactive user, PT403 not an active member of an active tenant, PT503 no context key.';

create function core.active_tenant_id() returns uuid
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant_id uuid;
begin
    select nullif(current_setting('app.tenant_id', true), '')::uuid into v_tenant_id from core.seal_holds();
    return v_tenant_id;
end
$fn$;

alter function core.active_tenant_id() owner to app_definer;
revoke execute on function core.active_tenant_id() from public;
grant execute on function core.active_tenant_id()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.active_tenant_id() is
    'The tenant of this transaction while its seal holds, else null. The one value policies compare the tenant column with. Errors: none.';

create function core.current_user_id() returns uuid
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user_id uuid;
begin
    select nullif(current_setting('app.user_id', true), '')::uuid into v_user_id from core.seal_holds();
    return v_user_id;
end
$fn$;

alter function core.current_user_id() owner to app_definer;
revoke execute on function core.current_user_id() from public;
grant execute on function core.current_user_id()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.current_user_id() is
    'The person of this transaction while the seal holds, else null. Errors: none.';

create function core.current_tenant_id() returns uuid
    language sql stable parallel restricted
return core.active_tenant_id();

revoke execute on function core.current_tenant_id() from public;
grant execute on function core.current_tenant_id()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.current_tenant_id() is
    'The tenant of this transaction under the name domain code uses; policies say core.active_tenant_id(). Errors: none.';

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

-- core.cron_runs: what ran when, and how it ended. A row without finished_at is running, or its session died.

create table core.cron_runs (
    id            bigint generated always as identity,
    name          text not null,
    started_at    timestamptz not null default now(),
    finished_at   timestamptz,
    ok            boolean,
    rows_affected bigint,
    message       text,
    pg_cron_runid bigint,

    constraint cron_runs_pkey primary key (id),
    constraint cron_runs_ok_iff_finished check ((ok is null) = (finished_at is null))
);

-- the last run of a job
create index cron_runs_name_started_idx on core.cron_runs (name, started_at desc);
-- core.apply_retention_policies
create index cron_runs_started_idx on core.cron_runs (started_at);

comment on table core.cron_runs is 'Log of core.run_cron, dbkit cron and core.collect_cron_log. History outlives the job, so there is no foreign key.';
comment on column core.cron_runs.rows_affected is 'What the function returned, where that is a number.';
comment on column core.cron_runs.message is 'SQLSTATE and message of a failure, or what the function returned.';
comment on column core.cron_runs.pg_cron_runid is 'cron.job_run_details.runid, where only pg_cron logged the run.';

-- core.duplicate_indexes: indexes of one table that are the same but for their name.

create view core.duplicate_indexes with (security_invoker = true) as
select n.nspname as schema_name,
       t.relname as table_name,
       array_agg(c.relname order by i.indisprimary desc, i.indisunique desc, c.relname) as indexes,
       sum(pg_catalog.pg_relation_size(c.oid))::bigint - max(pg_catalog.pg_relation_size(c.oid)) as wasted_bytes
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_class as t on t.oid = i.indrelid
  join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
 where n.nspname !~ '^pg_'
   and n.nspname <> 'information_schema'
 group by n.nspname, t.relname, i.indrelid, c.relam, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text,
          i.indnkeyatts, pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.pg_get_expr(i.indpred, i.indrelid)
having count(*) > 1
 order by wasted_bytes desc, schema_name, table_name;

comment on view core.duplicate_indexes is 'Sets of equal indexes: same table, method, columns, operator classes, order and condition.';
comment on column core.duplicate_indexes.indexes is 'The one to keep comes first: it backs a key, or is unique.';

-- core.email: an address in lower case. Text, not citext: text equality reaches an index under row security.

-- dbkit: allow domain_with_constraint because the form of the value is a standard's and does not change
create domain core.email as text
    constraint email_valid check (
        value = lower(value)
        and value ~ '^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$'
        and length(value) <= 254
    );

comment on domain core.email is 'E-mail address in lower case, at most 254 characters. Functions lower their input; direct DML must.';

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

-- core.features: what a tier can switch on. Reference data, seeded.

create table core.features (
    key         text not null,
    description text not null,

    constraint features_pkey primary key (key)
);

comment on table core.features is 'What subscriptions gate; core.require_feature names a key.';

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

-- core.is_cron_schedule: what pg_cron and dbkit cron both read, checked where it is written: one bad row would stop core.sync_cron.

create function core.is_cron_schedule(p_schedule text) returns boolean
    language plpgsql immutable strict parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_lowest  constant integer[] := '{0,0,1,1,0}';
    c_highest constant integer[] := '{59,23,31,12,7}';
    c_months  constant text[] := '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}';
    c_days    constant text[] := '{sun,mon,tue,wed,thu,fri,sat}';
    v_fields  text[] := string_to_array(p_schedule, ' ');
    v_item    text[];
    v_first   integer;
    v_last    integer;
begin
    if cardinality(v_fields) <> 5 then
        return false;
    end if;
    for v_field in 1..5 loop
        foreach v_item slice 1 in array (
            -- *, a number, or a range; the first and the last may have a step
            select coalesce(array_agg(array[part[1], part[2], coalesce(part[3], part[2]), part[3], part[4]]), '{{null,null,null,null,null}}')
              from string_to_table(v_fields[v_field], ',') as item
              left join regexp_match(item, '^(\*|([a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?)(?:/(\d{1,3}))?$') as part on true)
        loop
            if v_item[1] is null or v_item[5]::integer = 0 then
                return false;
            end if;
            continue when v_item[1] = '*';
            -- a single number has no step
            if v_item[5] is not null and v_item[4] is null then
                return false;
            end if;
            v_first := case when v_item[2] ~ '^\d' then v_item[2]::integer
                            when v_field = 4 then array_position(c_months, v_item[2])
                            when v_field = 5 then array_position(c_days, v_item[2]) - 1 end;
            v_last := case when v_item[3] ~ '^\d' then v_item[3]::integer
                           when v_field = 4 then array_position(c_months, v_item[3])
                           when v_field = 5 then array_position(c_days, v_item[3]) - 1 end;
            if coalesce(v_first > v_last or v_first < c_lowest[v_field] or v_last > c_highest[v_field], true) then
                return false;
            end if;
        end loop;
    end loop;
    return true;
end
$fn$;

revoke execute on function core.is_cron_schedule(text) from public;
grant execute on function core.is_cron_schedule(text) to app_definer;

comment on function core.is_cron_schedule(text) is
    'Whether a text is a schedule in five fields (minute, hour, day of month, month, day of week) of numbers, names, ranges, lists and '
    'steps in lower case. Null for null. Errors: none.';

-- core.cron_jobs: the schedule as data. core.sync_cron gives it to pg_cron, `dbkit cron tick` runs it without.
-- A command is one call of one function, or one VACUUM: there is no place for a secret, a URL or a second statement.

create table core.cron_jobs (
    name        text not null,
    schedule    text not null,
    command     text not null,
    system      text not null,
    run_mode    text not null default 'sql',
    is_enabled  boolean not null default true,
    description text not null default '',
    target      text generated always as (substring(command from '[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*')) stored,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),

    constraint cron_jobs_pkey primary key (name),
    constraint cron_jobs_name_valid check (name ~ '^[a-z0-9-]{1,50}$'),
    constraint cron_jobs_system_valid check (system ~ '^[a-z][a-z0-9_]*$'),
    constraint cron_jobs_run_mode_valid check (run_mode in ('sql', 'bare')),
    constraint cron_jobs_schedule_valid check (core.is_cron_schedule(schedule)),
    constraint cron_jobs_command_valid check (
        case run_mode
            when 'sql' then command ~ '^select [a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\([^;()]*\)$'
            -- what may not run in a transaction
            else command ~ '^vacuum( \(analyze\))? [a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$'
        end)
);

comment on table core.cron_jobs is
    'Scheduled jobs of every module; rows come from seeds. All schedules are UTC. A job whose function or table is not there is not run.';
comment on column core.cron_jobs.schedule is 'Minute, hour, day of month, month, day of week, in UTC.';
comment on column core.cron_jobs.command is 'sql: select schema.function(…), run by core.run_cron. bare: one VACUUM, run outside a transaction.';
comment on column core.cron_jobs.system is 'Module the job belongs to.';
comment on column core.cron_jobs.is_enabled is 'False takes the job off the schedule; seeds leave it as it is.';
comment on column core.cron_jobs.target is 'The function or table of the command.';
comment on column core.cron_jobs.created_at is 'A job that never ran is due at its first slot after this.';

-- core.cron_status: every job, whether what it calls is there, and its last run.

create view core.cron_status with (security_invoker = true) as
select j.name, j.system, j.schedule, j.run_mode, j.command, j.target, j.is_enabled,
       case j.run_mode
           when 'sql' then exists (
               select
                 from pg_catalog.pg_proc as p
                 join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
                where n.nspname = split_part(j.target, '.', 1)
                  and p.proname = split_part(j.target, '.', 2))
           else exists (
               select
                 from pg_catalog.pg_class as c
                 join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
                where n.nspname = split_part(j.target, '.', 1)
                  and c.relname = split_part(j.target, '.', 2))
       end as is_installed,
       j.description,
       j.created_at,
       r.started_at as last_started_at,
       r.finished_at as last_finished_at,
       r.ok as last_ok,
       r.rows_affected as last_rows_affected,
       r.message as last_message
  from core.cron_jobs as j
  left join lateral (
    select run.started_at, run.finished_at, run.ok, run.rows_affected, run.message
      from core.cron_runs as run
     where run.name = j.name
     order by run.started_at desc
     limit 1) as r on true;

comment on view core.cron_status is 'Scheduled jobs with their last run; the list behind dbkit cron list.';
comment on column core.cron_status.is_installed is 'Whether the function or table of the command exists; a job without is neither registered nor run.';
comment on column core.cron_status.last_ok is 'Null while it runs, or where its session died.';

-- Says what is allowed and nothing else, so it needs no list of attacks: text without markup characters, five entities, the tags p, br,
-- strong, em, u and a in lower case, and on <a> one href in double quotes with a literal scheme. Whatever a browser would have to guess
-- at (another quote, a bare < or &, a space in an address, an entity in a scheme) is not in the grammar.
-- Here and not in functions/: the domain core.safe_html calls it.

create function core.is_safe_html(p text) returns boolean
    language plpgsql immutable parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_grammar constant text :=
        '^(?:[^<>&\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f]'
        '|&(?:amp|lt|gt|quot|#39|nbsp);'
        '|<br ?/?>'
        '|</?(?:p|strong|em|u)>'
        '|<a(?: href="(?:https?://[a-zA-Z0-9]|mailto:)(?:[a-zA-Z0-9._~:/?#@!$()*+,;=%-]|&amp;)*")?>'
        '|</a>)*$';
    v_tag     text[];
    v_open    text[] := '{}';
    v_depth   integer := 0;
    v_in_link boolean := false;
begin
    if p is null then
        return null;
    elsif p !~ c_grammar then
        return false;
    end if;
    -- balanced: each end tag closes the tag opened last
    for v_tag in
        select t.tag from regexp_matches(p, '<(/?)(p|strong|em|u|a)\y', 'g') as t (tag)
    loop
        if v_tag[1] = '' then
            -- a link in a link is two links to a browser
            if v_tag[2] = 'a' and v_in_link then
                return false;
            end if;
            v_in_link := v_in_link or v_tag[2] = 'a';
            v_depth := v_depth + 1;
            -- no browser goes deeper, and no fragment costs more than its length
            if v_depth > 500 then
                return false;
            end if;
            v_open[v_depth] := v_tag[2];
        elsif v_depth > 0 and v_open[v_depth] = v_tag[2] then
            v_in_link := v_in_link and v_tag[2] <> 'a';
            v_depth := v_depth - 1;
        else
            return false;
        end if;
    end loop;
    return v_depth = 0;
end
$fn$;

revoke execute on function core.is_safe_html(text) from public;
grant execute on function core.is_safe_html(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.is_safe_html(text) is
    'Whether a fragment is balanced HTML of p, br, strong, em, u and a (with an http, https or mailto href) and nothing else; null for null. '
    'At most 500 elements deep. core.escape_html makes any text such a fragment. Errors: none.';

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

-- core.job_types: what a job may be, what its payload must name and how often it is tried.

create table core.job_types (
    job_type         text not null,
    class            text not null,
    default_priority integer not null default 0,
    max_retries      integer not null default 3,
    backoff_minutes  integer[] not null default '{1,5,15}',
    lease_seconds    integer not null default 60,
    required_keys    text[] not null default '{}',
    expected_ms      integer,
    is_internal      boolean not null default false,

    constraint job_types_pkey primary key (job_type),
    constraint job_types_job_type_valid check (job_type ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint job_types_class_valid check (class in ('immediate', 'scheduled', 'background')),
    constraint job_types_max_retries_valid check (max_retries between 0 and 20),
    constraint job_types_backoff_minutes_valid check (cardinality(backoff_minutes) > 0 and 0 <= all (backoff_minutes)),
    constraint job_types_lease_seconds_positive check (lease_seconds > 0),
    constraint job_types_expected_ms_positive check (expected_ms > 0)
);

comment on table core.job_types is 'Types of background jobs: class, retries, backoff, lease and the payload keys core.enqueue insists on.';
comment on column core.job_types.backoff_minutes is 'Minutes before the first, second, … retry; the last one repeats.';
comment on column core.job_types.lease_seconds is 'How long a worker may be silent before its jobs are given to another.';
comment on column core.job_types.required_keys is 'Top-level keys a payload must have, checked at enqueue.';
comment on column core.job_types.is_internal is
    'Queued by functions of the database alone, which know what they ask for: core.enqueue refuses the type.';

-- core.jobs_done: which jobs of an envelope were completed. Partitioned as the envelopes are, by when the jobs were claimed, so that a
-- day's jobs and their outcomes leave together.

create table core.jobs_done (
    lease_id    bigint not null,
    claimed_at  timestamptz not null,
    finished_at timestamptz not null,
    job_ids     uuid[],
    results     jsonb,

    -- an envelope may be settled in parts, one after the other
    constraint jobs_done_pkey primary key (lease_id, claimed_at, finished_at)
) partition by range (claimed_at);

create table core.jobs_done_default partition of core.jobs_done default;

-- core.ensure_job_partitions and core.purge_jobs run as app_definer.
alter table core.jobs_done owner to app_definer;
alter table core.jobs_done_default owner to app_definer;

comment on table core.jobs_done is 'Completed jobs by day of their claim.';
comment on column core.jobs_done.job_ids is 'Which jobs of the envelope; null: all of them.';
comment on column core.jobs_done.results is 'What the handlers gave back, by job id.';
comment on table core.jobs_done_default is 'Outcomes of days without a partition of their own.';

-- core.jobs_ready: jobs that are due. Insert and delete only: a claim moves rows into an envelope (core.job_envelopes).
--
-- No foreign keys: a check per row would cost as much as the insert. core.add_job and core.enqueue_many look at type, lane and tenant
-- once a call and keep the tenant from going away until they commit; its deletion takes the jobs along (tg_tenants_delete_jobs).

-- What differs from job to job comes first and together: envelopes are compressed.
create table core.jobs_ready (
    tag           bigint not null,
    scheduled_at  timestamptz not null,
    created_at    timestamptz not null,
    id            uuid not null,
    tenant_id     uuid,
    lane_id       integer not null,
    priority      integer not null,
    retry_count   integer not null default 0,
    max_retries   integer not null,
    lease_seconds integer not null,
    created_by    uuid,
    job_type      text not null,
    dedupe_key    text,
    error_message text,
    payload       jsonb not null,

    constraint jobs_ready_pkey primary key (id)
);

-- core.next_jobs: the next jobs of a lane, in order and without a sort
create index idx_job_queue_pending on core.jobs_ready (lane_id, tag);
-- a tenant's own jobs, its end of the line in a fair queue, and its deletion
-- dbkit: allow wide_index because the end of a tenant's line in a fair queue is read from the index alone
create index idx_job_queue_company on core.jobs_ready (tenant_id, lane_id, priority, tag);

comment on table core.jobs_ready is 'Jobs that are due and wait for a worker.';
comment on column core.jobs_ready.tag is
    'Place in the lane: when the job was due in µs since 2000; in a fair queue the turn at which its tenant gets to it.';
comment on column core.jobs_ready.tenant_id is 'Whose job it is, from the context of the caller; null: the platform''s.';
comment on column core.jobs_ready.error_message is 'Why the attempt before failed.';

-- core.job_envelopes: every batch a worker ever claimed, written once: one row carries all its jobs. By day, so that history leaves by
-- whole partitions. What happened to the jobs is in core.job_leases (running), core.jobs_done, core.jobs_scheduled and core.jobs_dead.

create table core.job_envelopes (
    id         bigint not null,
    claimed_at timestamptz not null,
    worker     text not null,
    jobs       core.jobs_ready[] not null,

    constraint job_envelopes_pkey primary key (id, claimed_at)
) partition by range (claimed_at);

-- A claim finds a place on a day nobody made a partition for.
create table core.job_envelopes_default partition of core.job_envelopes default;

-- core.ensure_job_partitions and core.purge_jobs run as app_definer.
alter table core.job_envelopes owner to app_definer;
alter table core.job_envelopes_default owner to app_definer;

comment on table core.job_envelopes is 'Claimed batches by day: who took which jobs when, as they were.';
comment on table core.job_envelopes_default is 'Batches of days without a partition of their own.';

-- core.long_transactions: what holds back vacuum and keeps locks. A prepared transaction has no session that could end.

create view core.long_transactions with (security_invoker = true) as
select a.pid, a.usename as user_name, a.datname as database_name, a.application_name, a.state,
       a.xact_start as started_at,
       round(extract(epoch from clock_timestamp() - a.xact_start), 1) as seconds,
       a.wait_event_type, a.wait_event, a.query,
       null::text as prepared_as
  from pg_catalog.pg_stat_activity as a
 where a.backend_type = 'client backend'
   and a.pid <> pg_catalog.pg_backend_pid()
   and a.xact_start < clock_timestamp() - interval '5 seconds'
 union all
select null, p.owner, p.database, null, 'prepared', p.prepared,
       round(extract(epoch from clock_timestamp() - p.prepared), 1),
       null, null, null, p.gid
  from pg_catalog.pg_prepared_xacts as p
 where p.prepared < clock_timestamp() - interval '5 seconds'
 order by started_at;

comment on view core.long_transactions is 'Transactions open for more than five seconds, oldest first, prepared ones included; not the one that asks.';
comment on column core.long_transactions.prepared_as is 'Name of a prepared transaction: commit prepared or rollback prepared ends it.';

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

-- core.migration_status: each module's line of migrations in one row.

create view core.migration_status with (security_invoker = true) as
select m.line,
       count(*) filter (where m.state in ('applied', 'baseline')) as applied,
       count(*) filter (where m.state in ('partial', 'reverting')) as unfinished,
       count(*) filter (where m.state = 'reverted') as reverted,
       max(m.version) filter (where m.state in ('applied', 'baseline')) as newest_version,
       max(m.applied_at) filter (where m.state in ('applied', 'baseline')) as last_applied_at
  from dbkit.migrations as m
 group by m.line
 order by m.line;

comment on view core.migration_status is 'Migrations per module. Versions the files have and the database has not: dbkit migrate status.';
comment on column core.migration_status.unfinished is 'Files that stopped half-way; dbkit migrate apply goes on with them.';

-- core.outbox_events: what happened, written by the transaction that did it. Listeners are woken by NOTIFY and read here, through row security.
--
-- An id is drawn before its transaction commits, so a reader that went on behind the highest id it saw would skip what commits late.
-- Writers therefore announce, before they draw, from which id on they may still write (core.announce_events), and core.read_events
-- stops there.

create table core.outbox_events (
    tenant_id    uuid not null,
    id           bigint generated always as identity,
    channel      text not null,
    event        text not null,
    entity_type  text not null,
    entity_id    text not null,
    payload      jsonb not null default '{}',
    created_at   timestamptz not null default now(),
    published_at timestamptz default now(),

    constraint outbox_events_pkey primary key (tenant_id, id),
    constraint outbox_events_channel_valid check (channel ~ '^[a-z][a-z0-9_:-]{0,62}$'),
    constraint outbox_events_event_valid check (event in ('INSERT', 'UPDATE', 'DELETE', 'CUSTOM'))
    -- tenant_id is no foreign key: the events of a deleted tenant's rows are written when the tenant is gone already
);

-- core.read_events: a channel of one tenant from where a reader stopped
create index outbox_events_reading_idx on core.outbox_events (tenant_id, channel, id);
-- core.purge_outbox: events come in the order of time, so a range of blocks is enough
create index outbox_events_published_at_idx on core.outbox_events using brin (published_at);

comment on table core.outbox_events is 'Events of a tenant, in the transaction of the change they tell. Kept for 7 days, see core.purge_outbox.';
comment on column core.outbox_events.id is 'The order of reading, and where a reader resumes: core.read_events.';
comment on column core.outbox_events.published_at is 'Since when listeners may have it; the purge leaves an event without it alone.';

-- core.permissions: the keys roles are made of. Reference data, seeded.

create table core.permissions (
    key         text not null,
    description text not null,

    constraint permissions_pkey primary key (key),
    constraint permissions_key_valid check (key ~ '^[a-z_]+[.:][a-z_]+$')
);

comment on table core.permissions is 'What a role can allow, as <subject>.<verb> or <subject>:<verb>; core.require_permission names a key.';

-- core.phone_e164: a phone number as core.normalize_phone returns it.

-- dbkit: allow domain_with_constraint because the form of the value is a standard's and does not change
create domain core.phone_e164 as text
    constraint phone_e164_valid check (value ~ '^\+?[1-9][0-9]{1,14}$');

comment on domain core.phone_e164 is 'Phone number in E.164 form, the plus sign optional. core.normalize_phone strips separators.';

-- core.query_stats_snapshots: the dearest statements of pg_stat_statements, once an hour, so that a change has a date.

create table core.query_stats_snapshots (
    taken_at      timestamptz not null default now(),
    queryid       bigint not null,
    userid        oid not null,
    query         text,
    calls         bigint not null,
    -- dbkit: allow float_for_amount because it is a time that pg_stat_statements measured, not money
    total_exec_ms double precision not null,
    mean_exec_ms  double precision not null,
    max_exec_ms   double precision not null,

    constraint query_stats_snapshots_pkey primary key (taken_at, queryid, userid)
);

comment on table core.query_stats_snapshots is 'Statements of this database by total time, by core.snapshot_query_stats. Figures count from the last reset.';

-- core.queues: the queues there are. A queue is first in, first out within a priority, or fair: tenants take turns.

create table core.queues (
    name        text not null,
    is_fair     boolean not null default false,
    max_running integer,
    lease_low   regclass,
    created_at  timestamptz not null default now(),

    constraint queues_pkey primary key (name),
    constraint queues_name_valid check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    constraint queues_max_running_positive check (max_running > 0)
);

comment on table core.queues is 'Queues of jobs; core.put_queue adds and changes them.';
comment on column core.queues.is_fair is 'Tenants take turns, by weight; priorities count inside a tenant only.';
comment on column core.queues.max_running is 'How many jobs of the queue may run at a time, exactly; null: no limit.';
comment on column core.queues.lease_low is 'Of a queue with a limit: the sequence that holds the oldest lease its count has to look at.';

-- core.queue_lanes: one lane per queue and priority (a fair queue has one), each with its low-water mark in a sequence.
--
-- Claimed rows are deleted, but while an old snapshot is open nothing may remove them from the index, and every claim would walk over
-- all of them. The mark says where the lane's first waiting job can be, so a claim starts there. It lives in a sequence because a
-- sequence is changed in place: a row would leave a dead version behind at every change, which is the very thing to get away from.
-- The mark may be too high for a job whose transaction committed late; core.sweep_lanes looks below it and lowers it.

create sequence core.queue_swept_at;
create sequence core.queue_scheduled_low;

comment on sequence core.queue_swept_at is 'Until when (µs since 2000) core.sweep_lanes rests.';
comment on sequence core.queue_scheduled_low is 'Low-water mark of core.jobs_scheduled: µs since 2000.';

-- Declared rather than made when a lane is, so that a database with many lanes has the objects its declaration names. A lane beyond the
-- last one has no mark: it works, and is slow only while an old snapshot is open.
create sequence core.queue_mark_01 minvalue -9223372036854775808;
create sequence core.queue_mark_02 minvalue -9223372036854775808;
create sequence core.queue_mark_03 minvalue -9223372036854775808;
create sequence core.queue_mark_04 minvalue -9223372036854775808;
create sequence core.queue_mark_05 minvalue -9223372036854775808;
create sequence core.queue_mark_06 minvalue -9223372036854775808;
create sequence core.queue_mark_07 minvalue -9223372036854775808;
create sequence core.queue_mark_08 minvalue -9223372036854775808;
create sequence core.queue_mark_09 minvalue -9223372036854775808;
create sequence core.queue_mark_10 minvalue -9223372036854775808;
create sequence core.queue_mark_11 minvalue -9223372036854775808;
create sequence core.queue_mark_12 minvalue -9223372036854775808;
create sequence core.queue_mark_13 minvalue -9223372036854775808;
create sequence core.queue_mark_14 minvalue -9223372036854775808;
create sequence core.queue_mark_15 minvalue -9223372036854775808;
create sequence core.queue_mark_16 minvalue -9223372036854775808;
create sequence core.queue_mark_17 minvalue -9223372036854775808;
create sequence core.queue_mark_18 minvalue -9223372036854775808;
create sequence core.queue_mark_19 minvalue -9223372036854775808;
create sequence core.queue_mark_20 minvalue -9223372036854775808;
create sequence core.queue_mark_21 minvalue -9223372036854775808;
create sequence core.queue_mark_22 minvalue -9223372036854775808;
create sequence core.queue_mark_23 minvalue -9223372036854775808;
create sequence core.queue_mark_24 minvalue -9223372036854775808;
create sequence core.queue_mark_25 minvalue -9223372036854775808;
create sequence core.queue_mark_26 minvalue -9223372036854775808;
create sequence core.queue_mark_27 minvalue -9223372036854775808;
create sequence core.queue_mark_28 minvalue -9223372036854775808;
create sequence core.queue_mark_29 minvalue -9223372036854775808;
create sequence core.queue_mark_30 minvalue -9223372036854775808;
create sequence core.queue_mark_31 minvalue -9223372036854775808;
create sequence core.queue_mark_32 minvalue -9223372036854775808;
create sequence core.queue_mark_33 minvalue -9223372036854775808;
create sequence core.queue_mark_34 minvalue -9223372036854775808;
create sequence core.queue_mark_35 minvalue -9223372036854775808;
create sequence core.queue_mark_36 minvalue -9223372036854775808;
create sequence core.queue_mark_37 minvalue -9223372036854775808;
create sequence core.queue_mark_38 minvalue -9223372036854775808;
create sequence core.queue_mark_39 minvalue -9223372036854775808;
create sequence core.queue_mark_40 minvalue -9223372036854775808;

comment on sequence core.queue_mark_01 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_02 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_03 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_04 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_05 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_06 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_07 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_08 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_09 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_10 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_11 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_12 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_13 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_14 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_15 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_16 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_17 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_18 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_19 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_20 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_21 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_22 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_23 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_24 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_25 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_26 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_27 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_28 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_29 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_30 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_31 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_32 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_33 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_34 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_35 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_36 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_37 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_38 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_39 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_40 is 'Low-water mark of the lane or limited queue that names it.';

-- dbkit: allow int_primary_key because a lane is a priority of a queue: there are never many, and every job carries its id
create table core.queue_lanes (
    id       integer generated always as identity,
    queue    text not null,
    priority integer not null,
    mark     regclass,

    constraint queue_lanes_pkey primary key (id),
    constraint queue_lanes_queue_priority_key unique (queue, priority),
    constraint queue_lanes_mark_key unique (mark),
    constraint queue_lanes_queue_fkey foreign key (queue) references core.queues (name) on delete restrict
);

comment on table core.queue_lanes is 'Lanes of a queue: the order of claims is priority, then place in the lane.';
comment on column core.queue_lanes.mark is 'The sequence with the lane''s low-water mark; null: every claim starts at the beginning.';

-- core.rate_limit_policies: how many requests of one subject in how long, and what happens when the limiter itself cannot answer.

-- dbkit: allow table_without_timestamps because reference rows come with seeds and migrations, which have their history
create table core.rate_limit_policies (
    name           text not null,
    subject_kind   text not null,
    max_requests   integer not null,
    window_seconds integer not null,
    fail_mode      text not null default 'open',
    algorithm      text not null default 'exact',

    constraint rate_limit_policies_pkey primary key (name),
    constraint rate_limit_policies_name_valid check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint rate_limit_policies_subject_kind_valid check (subject_kind in ('user', 'ip', 'global')),
    constraint rate_limit_policies_max_requests_positive check (max_requests > 0),
    constraint rate_limit_policies_window_seconds_positive check (window_seconds > 0),
    constraint rate_limit_policies_fail_mode_valid check (fail_mode in ('open', 'closed')),
    constraint rate_limit_policies_algorithm_valid check (algorithm in ('exact', 'gcra')),
    -- an exact window keeps every time in it: 8 bytes each, in one row a key
    constraint rate_limit_policies_exact_fits_a_page check (algorithm = 'gcra' or max_requests <= 1000)
);

comment on table core.rate_limit_policies is 'Limits core.rate_limit enforces: max_requests of one subject in any window_seconds.';
comment on column core.rate_limit_policies.subject_kind is
    'Whom a request counts for when no key is given: user (else address), ip (address, else user), global (all together).';
comment on column core.rate_limit_policies.fail_mode is
    'When the limiter cannot answer within 50 ms: open lets the request pass with a notice, closed refuses it.';
comment on column core.rate_limit_policies.algorithm is
    'exact: the times of the requests in a sliding window. gcra: one time, requests drain evenly over the window.';

-- core.rate_limit_refusals: counts refused requests. A sequence, and unlogged: the count survives the rollback that a refusal ends in,
-- and it costs neither a row lock nor WAL. It begins anew after a crash.

create unlogged sequence core.rate_limit_refusals;

comment on sequence core.rate_limit_refusals is 'Requests refused by core.rate_limit since the last crash; core.rate_limit_report reads it.';

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

-- core.rate_limits: one row per policy and key. Unlogged: counts survive restarts of anything but a crashed server, and cost no WAL.
-- No foreign key to the policy: the check would lock, and log, the policy's row for every new key.
-- No index but the key: an update then stays on its page. Fixed widths come first: a refusal finds them without a walk through the row.
-- Keys are compared byte by byte: nobody sorts them, and a refusal compares a dozen on its way down the index.
-- Vacuum leaves the pages it has emptied. A table of one page is read as a whole by plans that connections keep for a while after it has
-- grown, and giving pages back takes a lock that every request would wait for.

create unlogged table core.rate_limits (
    max_requests   integer not null,
    updated_at     timestamptz not null,
    next_at        timestamptz,
    recorded_until timestamptz,
    tat            timestamptz,
    policy         text collate "C" not null,
    key            text collate "C" not null,
    hits           timestamptz[] not null default '{}',

    constraint rate_limits_pkey primary key (policy, key)
) with (fillfactor = 60, vacuum_truncate = false);

comment on table core.rate_limits is 'What core.rate_limit has counted, one row per policy and key.';
comment on column core.rate_limits.key is 'user:<id>, ip:<address>, global, or a caller''s key after its tenant, its user or anon.';
comment on column core.rate_limits.max_requests is 'The policy''s, here so that a refusal reads one row.';
comment on column core.rate_limits.next_at is 'While in the future, requests are refused.';
comment on column core.rate_limits.recorded_until is 'The next violation of the key is recorded after this.';
comment on column core.rate_limits.hits is 'Algorithm exact: times of the allowed requests, the oldest first, none before the window.';
comment on column core.rate_limits.tat is 'Algorithm gcra: when the requests so far have drained (theoretical arrival time).';
comment on column core.rate_limits.updated_at is 'The last allowed request.';

-- core.restore_verifications: backups that were restored for a test, and whether what came back was what had been saved.

create table core.restore_verifications (
    id          bigint generated always as identity,
    backup_id   bigint,
    verified_at timestamptz not null default now(),
    ok          boolean not null,
    row_counts  jsonb not null default '{}',
    mismatches  jsonb not null default '[]',

    constraint restore_verifications_pkey primary key (id),
    constraint restore_verifications_backup_id_fkey foreign key (backup_id) references core.backup_runs (id) on delete set null
);

-- ON DELETE SET NULL of a backup
create index restore_verifications_backup_id_idx on core.restore_verifications (backup_id);

comment on table core.restore_verifications is 'Tests of backups by restoring them, see dbkit restore-verify.';
comment on column core.restore_verifications.row_counts is 'Rows per table that came back.';
comment on column core.restore_verifications.mismatches is 'What differed from the database at the time of the backup; empty when ok.';

-- core.backup_status: the last of each kind of backup, and the last proof that one can be restored. Through a function, since the
-- tables are closed: where a backup is, is not for a dashboard.

create function core.backup_report() returns table (
    kind text, last_ok_at timestamptz, last_started_at timestamptz, is_running boolean, failed_since_ok bigint, size_bytes bigint,
    last_verified_at timestamptz
)
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    with good as (
        select distinct on (b.kind) b.kind, b.finished_at, b.size_bytes
          from core.backup_runs as b
         where b.ok
         order by b.kind, b.finished_at desc
    )
    select b.kind,
           max(g.finished_at),
           max(b.started_at),
           bool_or(b.finished_at is null and b.started_at > clock_timestamp() - interval '1 day'),
           count(*) filter (where not b.ok and b.started_at > coalesce(g.finished_at, '-infinity')),
           max(g.size_bytes),
           (select max(v.verified_at)
              from core.restore_verifications as v
              join core.backup_runs as tested on tested.id = v.backup_id
             where v.ok
               and tested.kind = b.kind)
      from core.backup_runs as b
      left join good as g on g.kind = b.kind
     group by b.kind
     order by b.kind;
end;

alter function core.backup_report() owner to app_definer;
revoke execute on function core.backup_report() from public;
grant execute on function core.backup_report() to app_monitor;

comment on function core.backup_report() is 'What core.backup_status shows. Errors: none.';

create view core.backup_status with (security_invoker = true) as
select r.kind, r.last_ok_at,
       round(extract(epoch from clock_timestamp() - r.last_ok_at) / 3600, 1) as hours_since_ok,
       r.last_started_at, r.is_running, r.failed_since_ok, r.size_bytes, r.last_verified_at
  from core.backup_report() as r;

comment on view core.backup_status is 'Backups by kind: the last that succeeded, failures since, the last that was restored and compared.';
comment on column core.backup_status.is_running is 'Whether one began within a day and has not ended.';
comment on column core.backup_status.last_verified_at is 'When a backup of this kind was last restored and found complete.';

-- core.retention_policies: how long rows are kept, and where they go. Written by seeds and migrations, carried out by core.apply_retention.

create table core.retention_policies (
    table_name    text not null,
    time_column   text not null,
    keep          interval not null,
    mode          text not null,
    archive_table text,
    predicate     text,
    batch_size    integer not null default 1000,

    constraint retention_policies_pkey primary key (table_name),
    -- qualified: what a bare name means depends on who asks
    constraint retention_policies_table_name_valid check (
        table_name ~ '^("([^"]|"")+"|[a-z_][a-z0-9_$]*)\.("([^"]|"")+"|[a-z_][a-z0-9_$]*)$'
    ),
    constraint retention_policies_archive_table_valid check (
        archive_table ~ '^("([^"]|"")+"|[a-z_][a-z0-9_$]*)\.("([^"]|"")+"|[a-z_][a-z0-9_$]*)$'
    ),
    constraint retention_policies_keep_positive check (keep > interval '0'),
    constraint retention_policies_mode_valid check (mode in ('delete', 'archive')),
    constraint retention_policies_batch_size_valid check (batch_size between 1 and 50000),
    constraint retention_policies_archive_target check ((mode = 'archive') = (archive_table is not null))
);

comment on table core.retention_policies is 'Which rows of a table are deleted or archived, and when.';
comment on column core.retention_policies.table_name is 'Qualified, quoted where the name needs it; a policy for a table that does not exist rests.';
comment on column core.retention_policies.time_column is 'What the age of a row is counted from. A row without it stays. Index it: each batch looks for the oldest rows.';
comment on column core.retention_policies.archive_table is 'Where rows move; it has every column of the table and row security of its own.';
comment on column core.retention_policies.predicate is
    'Further SQL condition on columns of the table, e.g. status = ''COMPLETED''. Runs as app_definer: as trusted as a migration.';
comment on column core.retention_policies.batch_size is 'Rows per statement.';

-- core.rls_coverage: every table of every project schema and what row security does for it. A table that is not enabled, not forced
-- or without policy is a hole; what pg_dump would not call ours (system and extension tables) is left out.

create view core.rls_coverage with (security_invoker = true) as
select n.nspname as schema_name,
       c.relname as table_name,
       c.relrowsecurity as rls_enabled,
       c.relforcerowsecurity as rls_forced,
       (select count(*) from pg_catalog.pg_policy as p where p.polrelid = c.oid)::integer as policy_count,
       array(
        select command.name
          from (values (1, 'select', 'r'::"char"), (2, 'insert', 'a'), (3, 'update', 'w'), (4, 'delete', 'd')) as command (position, name, code)
         where not exists (
            select
              from pg_catalog.pg_policy as p
             where p.polrelid = c.oid
               and p.polpermissive
               and p.polcmd in (command.code, '*')
               -- app_owner and app_definer pass every table by system_all, which protects nobody
               and exists (
                select
                  from unnest(p.polroles) as named (role)
                 where named.role = 0
                    or pg_catalog.pg_get_userbyid(named.role) not in ('app_owner', 'app_definer')))
         order by command.position) as commands_without_policy
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p')
   and n.nspname not in ('information_schema', 'dbkit', 'tests')
   and n.nspname !~ '^pg_'
   and not exists (
    select
      from pg_catalog.pg_depend as d
     where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
       and d.objid = c.oid
       and d.deptype = 'e');

comment on view core.rls_coverage is
    'Row security per table: enabled, forced, number of policies, commands no application role has a permissive policy for.';
comment on column core.rls_coverage.commands_without_policy is
    'Commands nobody but app_owner and app_definer can reach; all four on a closed table.';

-- core.roles: the roles a member can have, per system. Reference data, seeded.

create table core.roles (
    system    text not null,
    key       text not null,
    name      text not null,
    rank      integer not null default 0,
    is_system boolean not null default true,

    constraint roles_pkey primary key (system, key),
    constraint roles_system_valid check (system in ('realty', 'rental', 'crm', 'clinic', 'field'))
);

comment on table core.roles is 'Roles of each system. The one with the highest rank is what the founder of a tenant gets.';
comment on column core.roles.rank is 'Order of power inside one system: nobody grants or changes a role above their own rank.';

-- core.role_permissions: which role allows what. Reference data, seeded.

create table core.role_permissions (
    system         text not null,
    role_key       text not null,
    permission_key text not null,

    constraint role_permissions_pkey primary key (system, role_key, permission_key),
    constraint role_permissions_system_role_key_fkey foreign key (system, role_key)
        references core.roles (system, key) on delete cascade,
    constraint role_permissions_permission_key_fkey foreign key (permission_key)
        references core.permissions (key) on delete cascade
);

-- ON DELETE CASCADE of a permission
create index role_permissions_permission_key_idx on core.role_permissions (permission_key);

comment on table core.role_permissions is 'The permissions of each role; a role has no others, nothing is inherited by rank.';

-- core.safe_html: a fragment that can be put into a page as it is.

-- dbkit: allow domain_with_constraint because the allowed tags are a promise to every page that shows a fragment
create domain core.safe_html as text
    constraint safe_html_valid check (core.is_safe_html(value));

comment on domain core.safe_html is 'HTML fragment of p, br, strong, em, u and a with href http, https or mailto; core.escape_html makes text one.';

-- core.schema_migrations: the ledger as SQL sees it. The table is the runner's own (dbkit.migrations), so that the runner works on
-- databases without core.

create view core.schema_migrations with (security_invoker = true) as
select m.line, m.version, m.name, m.checksum, m.depends_on, m.transactional, m.applied_by, m.applied_at,
       m.execution_ms::integer as execution_ms, m.rolled_back_at
  from dbkit.migrations as m;

comment on view core.schema_migrations is 'Migrations of every line with checksum, time and duration; reading it needs SELECT on dbkit.migrations.';
comment on column core.schema_migrations.line is 'Module the migration belongs to; versions order one line.';

-- current_user is the caller here: the function is no definer.

create function core.sees_all_jobs() returns boolean
    language sql stable parallel safe
    set search_path = pg_catalog, pg_temp
return pg_has_role('app_platform_admin', 'usage') or pg_has_role('app_definer', 'usage');

revoke execute on function core.sees_all_jobs() from public;
grant execute on function core.sees_all_jobs()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.sees_all_jobs() is 'Whether the caller is a platform administrator, the owner or a definer. Errors: none.';

-- core.statement_statistics: pg_stat_statements of this database, where it is installed, in whatever schema. A view cannot name a
-- relation that is not there, so the text is put together when it runs; the schema is the one thing put in. As the caller: what
-- Postgres hides from a role without pg_read_all_stats stays hidden.

create function core.statement_statistics() returns table (
    queryid bigint, userid oid, user_name name, query text, calls bigint, rows bigint,
    total_ms double precision, mean_ms double precision, max_ms double precision
)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_schema name;
begin
    select n.nspname
      into v_schema
      from pg_extension as e
      join pg_namespace as n on n.oid = e.extnamespace
     where e.extname = 'pg_stat_statements';
    if not found then
        perform core.raise_error(
            'PT503', 'unavailable', 'pg_stat_statements is not installed in this database.', '{"run": "create extension pg_stat_statements"}');
    end if;
    return query execute format(
        $sql$
        select s.queryid, s.userid, pg_get_userbyid(s.userid), s.query, s.calls, s.rows,
               s.total_exec_time, s.mean_exec_time, s.max_exec_time
          from %I.pg_stat_statements as s
         where s.dbid = (select d.oid from pg_database as d where d.datname = current_database())
           and s.query !~* '(pg_stat_statements|core\.(slow_queries|top_queries_by_total_time|statement_statistics))'
        $sql$, v_schema);
exception
    when object_not_in_prerequisite_state then
        perform core.raise_error(
            'PT503', 'unavailable', 'pg_stat_statements is installed, but the server does not preload it.', '{"setting": "shared_preload_libraries"}');
end
$fn$;

revoke execute on function core.statement_statistics() from public;
grant execute on function core.statement_statistics() to app_monitor, app_definer;

comment on function core.statement_statistics() is
    'Statements of this database since the last reset, in milliseconds, without those that ask for statistics. '
    'Errors: PT503 pg_stat_statements is not installed or not preloaded.';

-- core.slow_queries: statements that are slow each time.

create view core.slow_queries with (security_invoker = true) as
select s.queryid, s.user_name, s.calls, s.rows,
       round(s.mean_ms::numeric, 1) as mean_ms,
       round(s.max_ms::numeric, 1) as max_ms,
       round(s.total_ms::numeric / 1000, 1) as total_seconds,
       s.query
  from core.statement_statistics() as s
 where s.mean_ms > 100
 order by s.mean_ms desc
 limit 20;

comment on view core.slow_queries is
    'The twenty statements with the highest mean over 100 ms. Needs pg_stat_statements; without it reading raises PT503.';

-- core.subscription_tiers: what a tenant can subscribe to, per system. Reference data, seeded.

create table core.subscription_tiers (
    system        text not null,
    key           text not null,
    name          text not null,
    rank          integer not null,
    monthly_price numeric(10,2) not null default 0,
    limits        jsonb not null default '{}',

    constraint subscription_tiers_pkey primary key (system, key),
    constraint subscription_tiers_system_valid check (system in ('realty', 'rental', 'crm', 'clinic', 'field')),
    constraint subscription_tiers_monthly_price_not_negative check (monthly_price >= 0)
);

comment on table core.subscription_tiers is 'Subscription tiers of each system; a new tenant starts on the lowest rank.';
comment on column core.subscription_tiers.rank is 'Order of the tiers inside one system; 0 is free, any other starts as a trial.';
comment on column core.subscription_tiers.limits is 'Quantities the tier allows, by name; read by the modules.';

-- core.table_bloat: by dead rows, not by size: a large table is not a bloated one.

create view core.table_bloat with (security_invoker = true) as
select s.schemaname as schema_name, s.relname as table_name, s.n_live_tup as live_rows, s.n_dead_tup as dead_rows,
       round(s.n_dead_tup::numeric / nullif(s.n_live_tup + s.n_dead_tup, 0), 4) as dead_ratio,
       greatest(s.last_vacuum, s.last_autovacuum) as last_vacuum_at,
       greatest(s.last_analyze, s.last_autoanalyze) as last_analyze_at,
       pg_catalog.pg_relation_size(s.relid) as heap_bytes
  from pg_catalog.pg_stat_user_tables as s
  -- a partitioned table has no rows of its own
  join pg_catalog.pg_class as c on c.oid = s.relid and c.relkind <> 'p'
 order by dead_rows desc, schema_name, table_name;

comment on view core.table_bloat is 'Dead rows of each table, most first, and when it was vacuumed and analyzed last, by hand or by itself.';
comment on column core.table_bloat.dead_ratio is 'Dead rows of all rows, 0 to 1; null for an empty table.';

-- core.table_sizes: by oid, so that a name that needs quotes works too. Partitions are listed, their parents have no storage.

create view core.table_sizes with (security_invoker = true) as
select n.nspname as schema_name, c.relname as table_name,
       pg_catalog.pg_total_relation_size(c.oid) as total_bytes,
       pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size(c.oid)) as total,
       pg_catalog.pg_relation_size(c.oid) as heap_bytes,
       pg_catalog.pg_indexes_size(c.oid) as index_bytes,
       case when c.reltoastrelid = 0 then 0 else pg_catalog.pg_total_relation_size(c.reltoastrelid) end as toast_bytes,
       greatest(c.reltuples, 0)::bigint as estimated_rows
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind in ('r', 'm')
   and n.nspname !~ '^pg_'
   and n.nspname <> 'information_schema'
 order by total_bytes desc, schema_name, table_name;

comment on view core.table_sizes is 'Storage of tables and materialized views, largest first.';
comment on column core.table_sizes.total_bytes is 'Heap with its maps, indexes and out-of-line values.';
comment on column core.table_sizes.estimated_rows is 'As of the last ANALYZE or VACUUM.';

-- core.tier_features: which tier includes which feature. Reference data, seeded.

create table core.tier_features (
    system      text not null,
    tier_key    text not null,
    feature_key text not null,

    constraint tier_features_pkey primary key (system, tier_key, feature_key),
    constraint tier_features_system_tier_key_fkey foreign key (system, tier_key)
        references core.subscription_tiers (system, key) on delete cascade,
    constraint tier_features_feature_key_fkey foreign key (feature_key)
        references core.features (key) on delete cascade
);

-- ON DELETE CASCADE of a feature
create index tier_features_feature_key_idx on core.tier_features (feature_key);

comment on table core.tier_features is 'The features of each tier; a tier has no others, nothing is inherited by rank.';

-- core.top_queries_by_total_time: where the server's time goes; often a fast statement that runs too often.

create view core.top_queries_by_total_time with (security_invoker = true) as
select s.queryid, s.user_name, s.calls, s.rows,
       round(s.total_ms::numeric / 1000, 1) as total_seconds,
       round((100 * s.total_ms / nullif(sum(s.total_ms) over (), 0))::numeric, 1) as percent_of_total,
       round(s.mean_ms::numeric, 1) as mean_ms,
       s.query
  from core.statement_statistics() as s
 order by s.total_ms desc
 limit 20;

comment on view core.top_queries_by_total_time is
    'The twenty statements that took most time in all. Needs pg_stat_statements; without it reading raises PT503.';

-- core.unused_indexes: indexes no query has read since the statistics were reset. Those that keep something unique or back a
-- constraint work without being read.

create view core.unused_indexes with (security_invoker = true) as
select s.schemaname as schema_name, s.relname as table_name, s.indexrelname as index_name,
       pg_catalog.pg_relation_size(s.indexrelid) as bytes,
       pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(s.indexrelid)) as size,
       (select d.stats_reset from pg_catalog.pg_stat_database as d where d.datname = current_database()) as counted_since
  from pg_catalog.pg_stat_user_indexes as s
  join pg_catalog.pg_index as i on i.indexrelid = s.indexrelid
 where s.idx_scan = 0
   and not i.indisunique
   and not i.indisexclusion
   and not exists (select from pg_catalog.pg_constraint as c where c.conindid = s.indexrelid)
 order by bytes desc, schema_name, table_name, index_name;

comment on view core.unused_indexes is 'Indexes without a scan that enforce nothing, largest first. Ask the replicas too: each counts for itself.';
comment on column core.unused_indexes.counted_since is 'Since when scans are counted; null means since the server was made.';

-- core.users: one row per person, keyed by the subject of the identity provider. No credentials are stored.

create table core.users (
    id            uuid not null default gen_random_uuid(),
    auth_subject  text,
    email         core.email not null,
    name          text not null,
    avatar_url    text,
    phone         core.phone_e164,
    platform_role text not null default 'user',
    is_active     boolean not null default true,
    last_seen_at  timestamptz,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),

    constraint users_pkey primary key (id),
    constraint users_email_key unique (email),
    constraint users_auth_subject_key unique (auth_subject),
    -- what clinic.users (id, email) references, so that a copied address follows by ON UPDATE CASCADE
    constraint users_id_email_key unique (id, email),
    constraint users_platform_role_valid check (platform_role in ('user', 'support', 'super_admin'))
);

comment on table core.users is 'People, of all systems. A row is created by core.upsert_user on the first authenticated request.';
comment on column core.users.auth_subject is 'Subject claim of the identity provider; the key of core.upsert_user. Never shown to app roles.';
comment on column core.users.platform_role is 'Role across all tenants: user, support or super_admin.';
comment on column core.users.is_active is 'False refuses the person at core.set_context (PT401) from the next transaction on.';
comment on constraint users_email_key on core.users is 'This e-mail address is already in use.';

-- core.login_attempts: what core.record_login counts. Append-only.

create table core.login_attempts (
    id         bigint generated always as identity,
    email      core.email,
    user_id    uuid,
    client_ip  inet,
    succeeded  boolean not null,
    reason     text,
    created_at timestamptz not null default now(),

    constraint login_attempts_pkey primary key (id),
    -- dbkit: allow fk_without_index because people are deactivated, not deleted
    constraint login_attempts_user_id_fkey foreign key (user_id) references core.users (id) on delete set null
);

-- failures of a period, for monitoring
create index login_attempts_failed_idx on core.login_attempts (created_at) where not succeeded;
-- core.record_login: the last attempts for one address
create index login_attempts_email_created_at_idx on core.login_attempts (email, created_at);

comment on table core.login_attempts is 'Sign-ins that succeeded or failed, for any address typed, whether or not it has an account.';

-- core.tenants: the one registry of tenants, of every system.

create table core.tenants (
    id            uuid not null default gen_random_uuid(),
    system        text not null,
    slug          text,
    name          text not null,
    status        text not null default 'active',
    timezone      text not null default 'UTC',
    owner_user_id uuid not null,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    deleted_at    timestamptz,
    deleted_by    uuid,

    constraint tenants_pkey primary key (id),
    constraint tenants_system_slug_key unique (system, slug),
    constraint tenants_owner_user_id_fkey foreign key (owner_user_id) references core.users (id) on delete restrict,
    -- dbkit: allow fk_without_index because people are deactivated, not deleted
    constraint tenants_deleted_by_fkey foreign key (deleted_by) references core.users (id) on delete set null,
    constraint tenants_system_valid check (system in ('realty', 'rental', 'crm', 'clinic', 'field')),
    constraint tenants_status_valid check (status in ('active', 'suspended', 'closed')),
    -- a landlord is the tenant of itself, so rental.*.owner_user_id is the tenant id as well
    constraint tenants_rental_self check (system <> 'rental' or id = owner_user_id)
);

-- which tenants a person owns
create index tenants_owner_idx on core.tenants (owner_user_id);

comment on table core.tenants is 'Registry of tenants. Only an active tenant that is not deleted can be entered by core.set_context.';
comment on column core.tenants.system is 'Which system the tenant belongs to: realty, rental, crm, clinic or field.';
comment on column core.tenants.slug is 'Public handle, unique in its system.';
comment on column core.tenants.timezone is 'IANA name; days and months of the tenant''s reports are counted in it.';
comment on constraint tenants_system_slug_key on core.tenants is 'This name is already taken.';

-- core.context_tokens: what core.set_context_signed looks up. Only the hash of a token is stored.

-- dbkit: allow key_without_tenant_first because a token is found by its hash, before any tenant is known
create table core.context_tokens (
    token_hash bytea not null,
    user_id    uuid not null,
    -- dbkit: allow tenant_column_nullable because a token may name a person only, to found or choose a tenant with
    tenant_id  uuid,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),

    constraint context_tokens_pkey primary key (token_hash),
    constraint context_tokens_user_id_fkey foreign key (user_id) references core.users (id) on delete cascade,
    constraint context_tokens_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade,
    constraint context_tokens_hash_length check (length(token_hash) = 32)
);

-- core.issue_token drops what a person's expired sessions left behind
create index context_tokens_user_id_expires_at_idx on core.context_tokens (user_id, expires_at);
-- ON DELETE CASCADE of a tenant
create index context_tokens_tenant_id_idx on core.context_tokens (tenant_id);

comment on table core.context_tokens is 'Opaque context tokens, hashed at rest; made by core.issue_token, redeemed by core.set_context_signed.';
comment on column core.context_tokens.token_hash is 'sha256 of the token text.';
comment on column core.context_tokens.tenant_id is 'Tenant the token opens; null for a token that only names the person.';

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

-- core.jobs_dead: jobs that failed for good or were cancelled. core.retry_job brings one back, core.purge_jobs removes old ones.

create table core.jobs_dead (
    scheduled_at  timestamptz not null,
    created_at    timestamptz not null,
    started_at    timestamptz,
    finished_at   timestamptz not null default clock_timestamp(),
    lane_id       integer not null,
    priority      integer not null,
    retry_count   integer not null,
    max_retries   integer not null,
    lease_seconds integer not null,
    id            uuid not null,
    tenant_id     uuid,
    created_by    uuid,
    status        text not null,
    job_type      text not null,
    dedupe_key    text,
    worker        text,
    error_message text,
    payload       jsonb not null,

    constraint jobs_dead_pkey primary key (id),
    constraint jobs_dead_status_valid check (status in ('failed', 'cancelled')),
    constraint jobs_dead_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade
);

-- core.purge_jobs, and failures of a period
create index jobs_dead_finished_at_idx on core.jobs_dead (finished_at);
-- a tenant's own jobs, and its deletion
create index jobs_dead_tenant_id_idx on core.jobs_dead (tenant_id);

comment on table core.jobs_dead is 'Dead letters: jobs that failed for good, and cancelled ones.';

-- core.jobs_scheduled: jobs that are not due yet: delayed ones and retries. core.promote_jobs moves them to core.jobs_ready.

create table core.jobs_scheduled (
    scheduled_at  timestamptz not null,
    created_at    timestamptz not null,
    lane_id       integer not null,
    priority      integer not null,
    retry_count   integer not null default 0,
    max_retries   integer not null,
    lease_seconds integer not null,
    id            uuid not null,
    tenant_id     uuid,
    created_by    uuid,
    job_type      text not null,
    dedupe_key    text,
    error_message text,
    payload       jsonb not null,

    constraint jobs_scheduled_pkey primary key (id),
    constraint jobs_scheduled_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade
);

-- core.promote_jobs: what is due
create index jobs_scheduled_scheduled_at_idx on core.jobs_scheduled (scheduled_at);
-- a tenant's own jobs, and its deletion
create index jobs_scheduled_tenant_id_idx on core.jobs_scheduled (tenant_id);

comment on table core.jobs_scheduled is 'Delayed jobs and retries, waiting for their time.';

-- core.all_jobs: every job of every tenant, in the columns of core.job_queue. For owner and definer code.

-- dbkit: allow view_bypasses_rls because no application role may read it: core.job_queue says who sees what
create view core.all_jobs with (security_barrier) as
select r.id, r.tenant_id, l.queue, r.job_type, r.payload, 'pending'::text as status, r.priority, r.retry_count, r.max_retries, r.scheduled_at,
       null::timestamptz as started_at, null::timestamptz as completed_at, null::timestamptz as failed_at, r.error_message, r.created_at,
       null::text as locked_by, null::timestamptz as lease_expires_at, r.dedupe_key, null::jsonb as result, r.created_by
  from core.jobs_ready as r
  join core.queue_lanes as l on l.id = r.lane_id
 union all
select s.id, s.tenant_id, l.queue, s.job_type, s.payload, 'pending', s.priority, s.retry_count, s.max_retries, s.scheduled_at,
       null, null, null, s.error_message, s.created_at,
       null, null, s.dedupe_key, null, s.created_by
  from core.jobs_scheduled as s
  join core.queue_lanes as l on l.id = s.lane_id
 union all
select job.id, job.tenant_id, h.queue, job.job_type, job.payload, 'processing', job.priority, job.retry_count, job.max_retries, job.scheduled_at,
       h.claimed_at, null, null, job.error_message, job.created_at,
       h.worker, h.lease_until, job.dedupe_key, null, job.created_by
  from core.job_leases as h
  join core.job_envelopes as e on e.id = h.id and e.claimed_at = h.claimed_at
 cross join unnest(e.jobs) as job
 where job.id <> all (coalesce(h.settled, '{}'))
 union all
select job.id, job.tenant_id, l.queue, job.job_type, job.payload, 'completed', job.priority, job.retry_count, job.max_retries, job.scheduled_at,
       d.claimed_at, d.finished_at, null, job.error_message, job.created_at,
       null, null, job.dedupe_key, d.results -> job.id::text, job.created_by
  from core.jobs_done as d
  join core.job_envelopes as e on e.id = d.lease_id and e.claimed_at = d.claimed_at
 cross join unnest(e.jobs) as job
  join core.queue_lanes as l on l.id = job.lane_id
 where d.job_ids is null or job.id = any (d.job_ids)
 union all
select x.id, x.tenant_id, l.queue, x.job_type, x.payload, x.status, x.priority, x.retry_count, x.max_retries, x.scheduled_at,
       x.started_at, null, case when x.status = 'failed' then x.finished_at end, x.error_message, x.created_at,
       null, null, x.dedupe_key, null, x.created_by
  from core.jobs_dead as x
  join core.queue_lanes as l on l.id = x.lane_id;

comment on view core.all_jobs is 'Every job with its state, for owner and definer code; core.job_queue is the view for everybody else.';

-- core.memberships: who belongs where, and in which role. Every context starts here.

create table core.memberships (
    tenant_id  uuid not null,
    user_id    uuid not null,
    role_key   text not null default 'member',
    status     text not null default 'active',
    invited_by uuid,
    joined_at  timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint memberships_pkey primary key (tenant_id, user_id),
    constraint memberships_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade,
    constraint memberships_user_id_fkey foreign key (user_id) references core.users (id) on delete cascade,
    -- dbkit: allow fk_without_index because people are deactivated, not deleted
    constraint memberships_invited_by_fkey foreign key (invited_by) references core.users (id) on delete set null,
    -- what field.team_members (company_id, user_id, status) references, so that a copied status follows by ON UPDATE CASCADE
    constraint memberships_status_sync_key unique (tenant_id, user_id, status),
    constraint memberships_status_valid check (status in (
        'invited',   -- -> active by core.accept_membership
        'active',    -- -> suspended, removed
        'suspended', -- -> active, removed
        'removed'    -- -> invited
    ))
);

-- core.my_tenants: also where a person is only invited
create index memberships_user_id_idx on core.memberships (user_id, tenant_id);
-- core.set_context and core.my_tenant_ids: the tenants a person may enter
create index memberships_user_tenant_active_idx on core.memberships (user_id, tenant_id, status) where status = 'active';
-- core.visible_user_ids: the people of a tenant
create index memberships_tenant_user_active_idx on core.memberships (tenant_id, user_id, status) where status = 'active';

comment on table core.memberships is 'People in tenants. Rows are never deleted by the application: status becomes removed.';
comment on column core.memberships.role_key is 'Role in the tenant''s system, see core.roles (system, key).';
comment on column core.memberships.status is 'invited -> active -> suspended or removed; only an active member can enter the tenant.';
comment on column core.memberships.joined_at is 'When the person accepted; set by definer functions only.';

-- core.queue_health: how each queue stands, by type. No jobs, no tenants: counts only, for monitoring.

-- dbkit: allow view_bypasses_rls because it shows counts, to monitoring roles only
create view core.queue_health with (security_barrier) as
with waiting as (
    select l.queue, r.job_type, count(*) as ready, min(r.scheduled_at) as oldest
      from core.jobs_ready as r
      join core.queue_lanes as l on l.id = r.lane_id
     group by l.queue, r.job_type
), scheduled as (
    select l.queue, s.job_type, count(*) as scheduled, count(*) filter (where s.retry_count > 0) as retrying
      from core.jobs_scheduled as s
      join core.queue_lanes as l on l.id = s.lane_id
     group by l.queue, s.job_type
), running as (
    select h.queue, job.job_type, count(*) as processing, count(*) filter (where h.lease_until < clock_timestamp()) as stuck
      from core.job_leases as h
      join core.job_envelopes as e on e.id = h.id and e.claimed_at = h.claimed_at
     cross join unnest(e.jobs) as job
     where job.id <> all (coalesce(h.settled, '{}'))
     group by h.queue, job.job_type
), dead as (
    select l.queue, x.job_type, count(*) filter (where x.status = 'failed') as failed,
           count(*) filter (where x.status = 'failed' and x.finished_at > clock_timestamp() - interval '1 hour') as failed_last_hour
      from core.jobs_dead as x
      join core.queue_lanes as l on l.id = x.lane_id
     group by l.queue, x.job_type
)
select queue,
       job_type,
       coalesce(waiting.ready, 0) as ready,
       coalesce(scheduled.scheduled, 0) as scheduled,
       coalesce(scheduled.retrying, 0) as retrying,
       coalesce(running.processing, 0) as processing,
       coalesce(running.stuck, 0) as stuck,
       coalesce(dead.failed, 0) as failed,
       coalesce(dead.failed_last_hour, 0) as failed_last_hour,
       coalesce(extract(epoch from clock_timestamp() - waiting.oldest), 0)::double precision as oldest_ready_seconds
  from waiting
  full join scheduled using (queue, job_type)
  full join running using (queue, job_type)
  full join dead using (queue, job_type);

comment on view core.queue_health is 'Jobs by queue and type: ready, scheduled, of these retries, running, of these with an expired lease, failed.';
comment on column core.queue_health.oldest_ready_seconds is 'How long the oldest due job has been waiting.';

-- core.queue_weights: the share of a tenant in fair queues where it is not 1.

create table core.queue_weights (
    tenant_id  uuid not null,
    weight     numeric(6,2) not null,
    updated_at timestamptz not null default now(),

    constraint queue_weights_pkey primary key (tenant_id),
    constraint queue_weights_weight_valid check (weight between 0.01 and 1000),
    constraint queue_weights_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade
);

comment on table core.queue_weights is 'Turns a tenant gets in fair queues while another one gets one; core.put_queue_weight writes it.';

-- core.subscriptions: what each tenant has subscribed to.

create table core.subscriptions (
    tenant_id                uuid not null,
    system                   text not null,
    tier_key                 text not null,
    status                   text not null default 'trialing',
    external_customer_id     text,
    external_subscription_id text,
    current_period_end       timestamptz,
    trial_ends_at            timestamptz,
    created_at               timestamptz not null default now(),
    updated_at               timestamptz not null default now(),

    constraint subscriptions_pkey primary key (tenant_id),
    constraint subscriptions_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade,
    constraint subscriptions_system_tier_key_fkey foreign key (system, tier_key)
        references core.subscription_tiers (system, key) on delete restrict,
    constraint subscriptions_status_valid check (status in (
        'trialing', -- features until trial_ends_at
        'active',
        'past_due', -- features stay while payment is chased
        'canceled', -- features until current_period_end
        'expired'   -- no features
    ))
);

-- what the billing jobs look for: trials and periods that end
-- dbkit: allow index_without_tenant_first because the renewal job goes by due date across all tenants
create index subscriptions_status_idx on core.subscriptions (status, current_period_end);
-- ON DELETE RESTRICT of a tier
create index subscriptions_system_tier_key_idx on core.subscriptions (system, tier_key);

comment on table core.subscriptions is 'One subscription per tenant, written by core.create_tenant and core.change_subscription only.';
comment on column core.subscriptions.external_customer_id is 'Customer id at the payment provider; not shown to app roles.';
comment on column core.subscriptions.external_subscription_id is 'Subscription id at the payment provider; not shown to app roles.';

-- core.tenant_sequences: the last document number of each kind, per tenant. A row, not a sequence: a rollback gives the number back.

-- dbkit: allow table_without_timestamps because a counter moves with the record it numbers, which has its own times
create table core.tenant_sequences (
    tenant_id  uuid not null,
    name       text not null,
    last_value bigint not null default 0,

    constraint tenant_sequences_pkey primary key (tenant_id, name),
    constraint tenant_sequences_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade
);

comment on table core.tenant_sequences is 'Counters of core.next_number.';

-- core.user_notifications: what a person is told inside a tenant, until they have read it.

-- dbkit: allow table_without_timestamps because read_at is all that ever changes
create table core.user_notifications (
    tenant_id   uuid not null,
    id          uuid not null default gen_random_uuid(),
    user_id     uuid not null,
    kind        text not null,
    title       text not null,
    body        text,
    entity_type text,
    entity_id   text,
    read_at     timestamptz,
    created_at  timestamptz not null default now(),

    constraint user_notifications_pkey primary key (tenant_id, id),
    constraint user_notifications_tenant_id_fkey foreign key (tenant_id) references core.tenants (id) on delete cascade,
    -- dbkit: allow fk_without_index because people are deactivated, not deleted
    constraint user_notifications_user_id_fkey foreign key (user_id) references core.users (id) on delete cascade
);

-- core.my_notifications: unread ones, newest first; also what a badge counts
create index user_notifications_unread_idx on core.user_notifications (tenant_id, user_id, created_at) where read_at is null;
-- core.my_notifications: all of them
create index user_notifications_user_idx on core.user_notifications (tenant_id, user_id, created_at);

comment on table core.user_notifications is 'Messages to one person in one tenant, written by core.notify_user.';
comment on column core.user_notifications.read_at is 'When the person read it; null is unread. Set once.';

-- The other half of an invitation: nobody becomes a member, or visible to one, without saying so.

create or replace function core.accept_membership(p_tenant uuid) returns core.memberships
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user       uuid := core.require_user();
    v_membership core.memberships;
begin
    update core.memberships as m
       set status = 'active',
           joined_at = now()
     where m.tenant_id = p_tenant
       and m.user_id = v_user
       and m.status = 'invited'
    returning m.* into v_membership;
    if not found then
        select m.* into v_membership
          from core.memberships as m
         where m.tenant_id = p_tenant and m.user_id = v_user and m.status = 'active';
        if not found then
            perform core.raise_error('PT404', 'not_found', 'There is no open invitation to this tenant.');
        end if;
    end if;
    return v_membership;
end
$fn$;

alter function core.accept_membership(uuid) owner to app_definer;
revoke execute on function core.accept_membership(uuid) from public;
grant execute on function core.accept_membership(uuid) to app_user;

comment on function core.accept_membership(uuid) is
    'Accept the current person''s invitation to a tenant. Idempotent. Errors: PT401 nobody is signed in, PT404 no open invitation.';

-- The one door into the queue for a single job. Who may name a tenant, or an internal type, is decided before: by core.enqueue,
-- core.enqueue_for and definer functions, whose rights and search path it works with. A definer function of its own would cost a tenth of
-- the job.

-- dbkit: allow function_search_path_mutable because its callers set it, and only app_definer may call it
create or replace function core.add_job(
    p_tenant uuid, p_user uuid, p_job_type text, p_payload jsonb, p_priority integer, p_run_at timestamptz, p_dedupe_key text, p_queue text,
    p_is_internal boolean
) returns uuid
    language plpgsql volatile
as $fn$
declare
    v_now  timestamptz := clock_timestamp();
    -- now() is when the transaction began: taken by its word, a job of a long transaction would be due before those already served
    v_at   timestamptz := case when p_run_at is null or p_run_at = now() then v_now else p_run_at end;
    v_id   uuid := core.new_job_id(v_now);
    v_key  uuid;
    v_type record;
    v_lane core.queue_lanes;
    v_tag  bigint;
    v_priority integer;
begin
    -- in one statement: what a small function costs is mostly the number of its statements
    select t.max_retries, t.lease_seconds, t.required_keys, t.is_internal, q.is_fair, l.id as lane_id, l.mark,
           case when q.is_fair then sign(coalesce(p_priority, t.default_priority)) else coalesce(p_priority, t.default_priority) end as priority
      into v_type
      from core.job_types as t
     cross join core.queues as q
      left join core.queue_lanes as l
             on l.queue = q.name
            and l.priority = case when q.is_fair then 0 else coalesce(p_priority, t.default_priority) end
     where t.job_type = p_job_type
       and q.name = p_queue;
    if not found or v_type.is_internal and not p_is_internal
       or p_payload is null or jsonb_typeof(p_payload) <> 'object' or not p_payload ?& v_type.required_keys
       -- one value, however the argument is stored
       or pg_column_size(p_payload || '{}') > 102400
       or not core.is_plain_json(p_payload)
       -- what every calendar can say: one time no worker or sweep can count with would stop them all, for everybody
       or p_run_at not between '1970-01-01+00' and '9999-01-01+00'
       or octet_length(p_dedupe_key) > 2000
       or not p_is_internal and p_priority not between -1000 and 1000
    then
        perform core.refuse_payload(p_job_type, p_payload, p_is_internal);
        perform core.refuse_run_at(p_run_at);
        perform core.refuse_priority(p_priority, p_is_internal);
        if octet_length(p_dedupe_key) > 2000 then
            perform core.raise_error('PT422', 'invalid', 'A dedupe key has at most 2,000 bytes.', '{"dedupe_key": "must not be longer than 2000 bytes"}');
        end if;
        perform core.raise_error('PT422', 'invalid', 'There is no queue of this name.', '{"queue": "unknown"}');
    end if;
    v_priority := v_type.priority;
    v_lane.id := v_type.lane_id;
    v_lane.mark := v_type.mark;
    if v_lane.id is null then
        v_lane := core.lane_of(p_queue, v_priority);
    end if;
    -- the tenant stays until this transaction has ended, as a foreign key would have it
    perform from core.tenants as t where t.id = p_tenant for key share;
    if p_tenant is not null and not found then
        perform core.raise_error('PT404', 'not_found', 'There is no such tenant.');
    end if;

    if p_dedupe_key is not null then
        loop
            insert into core.job_keys (job_id, tenant_id, job_type, dedupe_key)
            values (v_id, p_tenant, p_job_type, p_dedupe_key)
            on conflict (tenant_id, job_type, dedupe_key) do nothing;
            exit when found;
            select k.job_id into v_key
              from core.job_keys as k
             where k.tenant_id is not distinct from p_tenant and k.job_type = p_job_type and k.dedupe_key = p_dedupe_key;
            if found then
                return v_key;
            end if;
            -- its job ended in between, so the key is free again
        end loop;
    end if;

    if v_at > v_now then
        insert into core.jobs_scheduled (
            scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, dedupe_key, payload)
        values (v_at, v_now, v_lane.id, v_priority, v_type.max_retries, v_type.lease_seconds, v_id, p_tenant, p_user, p_job_type, p_dedupe_key, p_payload);
        return v_id;
    end if;

    if v_type.is_fair then
        v_tag := (core.fair_places(v_lane, p_tenant, v_priority))[1];
    else
        v_tag := core.epoch_us(v_at);
        -- a job that was due before those being served: claims have to begin with it
        if v_tag < pg_sequence_last_value(v_lane.mark) then
            perform setval(v_lane.mark, v_tag);
        end if;
    end if;
    insert into core.jobs_ready (
        tag, scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, dedupe_key, payload)
    values (v_tag, v_at, v_now, v_lane.id, v_priority, v_type.max_retries, v_type.lease_seconds, v_id, p_tenant, p_user, p_job_type, p_dedupe_key, p_payload);
    perform core.wake_workers(p_queue);
    return v_id;
end
$fn$;

revoke execute on function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text, boolean) from public;
grant execute on function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text, boolean) to app_definer;

comment on function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text, boolean) is
    'Put a job into a queue, for the functions that know whose it is. With a dedupe key that a pending or processing job of the tenant holds, '
    'the id of that job comes back and nothing is added. p_is_internal: a function of the database asks, so the type may be an internal one. '
    'Each call without such a key adds a job. Errors: PT403 it is and may not, PT404 no such tenant, PT422 unknown type or queue, payload '
    'without a required key, a time not between 1970 and 9999, dedupe key over 2,000 bytes, and where no function of the database asks, a '
    'priority beyond 1,000.';

-- Counts whole hours again as long as their samples are there, so a run that was missed or came twice changes nothing.

create or replace function core.aggregate_metrics() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    -- The hour before the newest is counted once more: a transaction may have committed its samples late.
    v_from timestamptz := (select max(h.hour) - interval '1 hour' from core.hourly_metrics as h);
    v_rows integer;
begin
    insert into core.hourly_metrics as h (name, hour, labels, samples, avg, p50, p95, p99)
    select q.name, q.hour, q.labels, q.samples, q.avg, q.points[1], q.points[2], q.points[3]
      from (
        select s.name,
               date_trunc('hour', s.created_at, 'UTC') as hour,
               s.labels,
               count(*) as samples,
               avg(s.value) as avg,
               percentile_cont(array[0.5, 0.95, 0.99]) within group (order by s.value) as points
          from core.metric_samples as s
         where s.created_at >= coalesce(v_from, '-infinity')
           and s.created_at < date_trunc('hour', clock_timestamp(), 'UTC')
         group by 1, 2, 3) as q
    on conflict (name, hour, labels) do update
       set samples = excluded.samples, avg = excluded.avg, p50 = excluded.p50, p95 = excluded.p95, p99 = excluded.p99
     where h.samples is distinct from excluded.samples;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$fn$;

alter function core.aggregate_metrics() owner to app_definer;
revoke execute on function core.aggregate_metrics() from public;

comment on function core.aggregate_metrics() is
    'Turn the samples of every hour that is over into core.hourly_metrics; the cron job hourly-metric-aggregation. Returns the rows '
    'written. Idempotent. Errors: none.';

-- A shared advisory lock is the announcement: everybody sees it before the transaction commits, it goes when the transaction is over,
-- and it costs no row. Its class is the tenant, its object the last id drawn so far: what this transaction draws is higher. One per
-- transaction and tenant is enough, or a loop of events would fill the lock table.

create or replace function core.announce_events(p_tenant uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_mark text := pg_current_xact_id() || ' ' || p_tenant;
begin
    if current_setting('app.outbox_announced', true) is distinct from v_mark then
        perform pg_advisory_xact_lock_shared(
            hashtext('core.outbox_events:' || p_tenant),
            coalesce(pg_sequence_last_value('core.outbox_events_id_seq'), 0)::bit(32)::integer);
        -- taken back with the lock, should a savepoint be rolled back
        perform set_config('app.outbox_announced', v_mark, true);
    end if;
end
$fn$;

revoke execute on function core.announce_events(uuid) from public;
grant execute on function core.announce_events(uuid) to app_definer;

comment on function core.announce_events(uuid) is
    'Call before inserting into core.outbox_events: readers of the tenant wait for this transaction from here on. Internal. '
    'Idempotent. Errors: none.';

-- All batches are one transaction of the caller's: a crash undoes them together. Where that is too long a transaction, p_max_batches
-- makes it shorter; call until it returns 0.

create or replace function core.apply_retention(p_table regclass, p_batch integer default null, p_max_batches integer default null) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_policy    core.retention_policies;
    v_cutoff    timestamptz;
    v_statement text;
    v_batch     integer;
    v_batches   integer := 0;
    v_gone      bigint;
    v_kept      bigint;
    v_total     bigint := 0;
begin
    select p.* into v_policy from core.retention_policies as p where to_regclass(p.table_name) = p_table;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'No retention policy names this table.', jsonb_build_object('table', p_table)::text);
    end if;
    v_batch := coalesce(p_batch, v_policy.batch_size);
    if v_batch not between 1 and 50000 or p_max_batches < 1 then
        perform core.raise_error('PT400', 'bad_request', 'A batch has 1 to 50000 rows, and there is at least one.', '{"batch": "out of range"}');
    end if;

    v_cutoff := clock_timestamp() - v_policy.keep;
    v_statement := core.retention_statement(v_policy);
    loop
        execute v_statement into v_gone, v_kept using v_cutoff, v_batch;
        if v_gone <> v_kept then
            perform core.raise_error('PT409', 'conflict', 'The archive did not take every row, so none was moved.',
                                     jsonb_build_object('deleted', v_gone, 'archived', v_kept)::text);
        end if;
        v_total := v_total + v_gone;
        v_batches := v_batches + 1;
        exit when v_gone < v_batch or v_batches >= p_max_batches;
    end loop;
    return v_total;
end
$fn$;

alter function core.apply_retention(regclass, integer, integer) owner to app_definer;
revoke execute on function core.apply_retention(regclass, integer, integer) from public;
grant execute on function core.apply_retention(regclass, integer, integer) to app_owner;

comment on function core.apply_retention(regclass, integer, integer) is
    'Delete or archive the rows of a table that are older than its policy keeps, and return how many. Idempotent, safe in parallel and '
    'when interrupted. For cron. Errors: PT400 batch out of range, PT409 the archive refused a row, PT422 no policy, or an archive that '
    'does not exist or would lose columns or row security.';

-- One table that cannot be cleaned does not keep the others from it; it is named in a warning and in the result, by which core.run_cron
-- knows that the run failed.

create or replace function core.apply_retention_policies() returns table (table_name text, removed bigint, error text)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    for table_name in
        select p.table_name from core.retention_policies as p where to_regclass(p.table_name) is not null order by p.table_name
    loop
        begin
            removed := core.apply_retention(table_name::regclass);
            error := null;
        exception
            when others then
                removed := 0;
                get stacked diagnostics error = pg_exception_detail;
                error := concat_ws(': ', sqlerrm, nullif(error, ''));
                raise warning 'retention of % failed: %', table_name, error;
        end;
        return next;
    end loop;
end
$fn$;

alter function core.apply_retention_policies() owner to app_definer;
revoke execute on function core.apply_retention_policies() from public;
grant execute on function core.apply_retention_policies() to app_owner;

comment on function core.apply_retention_policies() is
    'core.apply_retention for every table that has a policy and exists; what failed is named, the rest goes on. Idempotent. For cron. '
    'Errors: none.';

-- Names only: what a setting holds is not for a health page.

create or replace function core.assert_settings() returns setof text
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return query
        select s.key
          from core.app_settings as s
         where s.is_required
           and case
                   when s.key like 'extension.%' then
                       not exists (select from pg_extension as e where e.extname = substr(s.key, length('extension.') + 1))
                   when s.is_secret then coalesce(current_setting(s.key, true), '') = ''
                   else coalesce(s.value, '') = ''
               end
         order by s.key;
end
$fn$;

alter function core.assert_settings() owner to app_definer;
revoke execute on function core.assert_settings() from public;
grant execute on function core.assert_settings() to app_monitor, app_platform_admin;

comment on function core.assert_settings() is
    'The required settings of core.app_settings that are missing: rows without a value, secrets whose server setting is empty, '
    'extension.<name> that is not installed. No row means all is well. Errors: none.';

-- Guard sheets call this: the trigger function it writes belongs to the table's own schema, so drift compares it and leak reads it like
-- any other, and a column added without a new call is a difference between the declared tree and the migrations.

create or replace function core.attach_audit(
    p_table regclass, p_target regclass, p_tenant_column text, p_redact text[] default '{}', p_ignore text[] default '{}'
) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_ignored  text[];
    v_function text;
    v_part     regclass;
begin
    perform core.check_audit(p_table, p_target, p_tenant_column, p_redact, p_ignore);
    -- bookkeeping is no change of its own
    v_ignored := array(
        select c.name
          from unnest(core.audit_columns(p_table)) as c (name)
         where c.name = any (p_ignore || array['updated_at', 'version'])
           and c.name <> all (p_redact)
         order by c.name collate "C");
    select format('%I.%I', n.nspname,
                  'tg_audit_' || case when octet_length(c.relname) <= 54 then c.relname
                                      when octet_length(c.relname) > length(c.relname) then md5(c.relname)
                                      else left(c.relname, 45) || '_' || left(md5(c.relname), 8) end)
      into v_function
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
     where c.oid = p_table;

    execute core.audit_trigger_sql(p_table, v_function, p_target, p_tenant_column, p_redact, v_ignored);
    execute format('alter function %s() owner to app_definer', v_function);
    execute format('revoke execute on function %s() from public', v_function);
    execute format('comment on function %s() is %L', v_function,
                   format('Audit trigger of %s, written by core.attach_audit. Errors: none of its own.', core.audit_entity_type(p_table)));

    -- A statement fires the triggers of the table it names only, so partitions need their own; no row is recorded twice.
    for v_part in select t.relid from pg_partition_tree(p_table) as t union select p_table loop
        execute format(
            $sql$
            create or replace trigger _900_audit_insert after insert on %1$s referencing new table as new_rows
                for each statement execute function %2$s(%3$s);
            create or replace trigger _900_audit_update after update on %1$s referencing old table as old_rows new table as new_rows
                for each statement execute function %2$s(%3$s);
            create or replace trigger _900_audit_delete after delete on %1$s referencing old table as old_rows
                for each statement execute function %2$s(%3$s);
            create or replace trigger _900_audit_truncate before truncate on %1$s
                for each statement execute function %2$s(%3$s);
            $sql$,
            v_part, v_function,
            format('%L, %L, %L, %L, %L', core.audit_entity_type(p_target), coalesce(p_tenant_column, ''), p_redact, v_ignored,
                   core.audit_columns(p_table)));
    end loop;
end
$fn$;

revoke execute on function core.attach_audit(regclass, regclass, text, text[], text[]) from public;

comment on function core.attach_audit(regclass, regclass, text, text[], text[]) is
    'Record every change of a table in an audit log, in the same transaction: one row per entity, with the changed columns before and '
    'after. The tenant of an entry is the value of p_tenant_column; with null the rows are no tenant''s, and none sees their history. p_redact names '
    'columns whose values never reach the log; p_ignore, beside updated_at and version, those whose change alone is not worth an entry '
    'and is not recorded. For the owner of the table. Call it again in the migration that adds, renames, retypes or drops a column: until '
    'then changes are recorded more slowly, and writes fail where a column is gone. TRUNCATE records every row, so it takes '
    'as long as DELETE. Idempotent. Errors: PT422 the table has no primary key, more than 500 columns or heirs, a column does not exist, the log is none or app_definer cannot '
    'write it or read the table; 42501 not the owner.';

-- For tables outside this tree; guard sheets write the triggers out.

create or replace function core.attach_cache_invalidation(p_table regclass, p_tag text, p_room_column name default null) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_column name := coalesce(p_room_column, core.tenant_column(p_table));
    v_event  record;
begin
    if v_column is null or p_tag is null then
        perform core.raise_error(
            'PT422', 'invalid', 'A tag, and a column that says whose entries a row makes stale, are needed.',
            '{"room_column": "is not known; attach the tenant guard first, or name it"}');
    end if;
    for v_event in
        select *
          from (values
            ('insert',   'referencing new table as new_rows'),
            ('update',   'referencing old table as old_rows new table as new_rows'),
            ('delete',   'referencing old table as old_rows'),
            ('truncate', '')
          ) as event (name, tables)
    loop
        execute format(
            $sql$ create or replace trigger _700_cache_invalidate_%s
                      after %s on %s
                      %s
                      for each statement execute function core.tg_cache_invalidate(%L, %L) $sql$,
            v_event.name, v_event.name, p_table, v_event.tables, p_tag, v_column);
    end loop;
end
$fn$;

revoke execute on function core.attach_cache_invalidation(regclass, text, name) from public;

comment on function core.attach_cache_invalidation(regclass, text, name) is
    'Make every write of a table invalidate the cache entries with a tag, of the tenants (or, by p_room_column, the persons) its rows name; '
    'for the owner of the table. Idempotent. Errors: PT422 no tag or no column, 42501 not the owner.';

-- Payloads hold the columns app_user may read at the time of attaching: call it again when one is added or granted.
-- Guard sheets write the triggers out.

create or replace function core.attach_outbox(
    p_table regclass, p_channel text, p_events text[] default '{INSERT,UPDATE,DELETE}'
) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant  name := core.tenant_column(p_table);
    v_key     text[];
    v_columns text[];
    v_event   text;
begin
    if p_channel is null or p_channel !~ '^[a-z][a-z0-9_:-]{0,62}$'
       or not coalesce(p_events <@ '{INSERT,UPDATE,DELETE}' and cardinality(p_events) > 0, false) then
        perform core.raise_error('PT422', 'invalid', 'An outbox needs a channel in lower case and some of INSERT, UPDATE, DELETE.');
    elsif v_tenant is null then
        perform core.raise_error('PT422', 'invalid', 'The table does not say which column its tenant is in: call core.attach_tenant_guard first.');
    end if;

    v_key := nullif(array_remove(core.primary_key(p_table), v_tenant::text), '{}');
    if v_key is null then
        perform core.raise_error('PT422', 'invalid', 'The table has no primary key beyond its tenant column to name a row by.');
    end if;
    select coalesce(array_agg(a.attname order by a.attnum), '{}')
      into v_columns
      from pg_attribute as a
     where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and has_column_privilege('app_user', p_table, a.attnum, 'select');

    foreach v_event in array '{INSERT,UPDATE,DELETE}'::text[] loop
        if v_event = any (p_events) then
            execute format(
                $sql$ create or replace trigger %I after %s on %s referencing %s for each statement execute function core.tg_outbox(%L, %L, %L, %L) $sql$,
                '_600_outbox_' || lower(v_event), v_event, p_table,
                case v_event when 'DELETE' then 'old table as changed_rows' else 'new table as changed_rows' end,
                p_channel, v_tenant, v_key, v_columns);
        else
            execute format($sql$ drop trigger if exists %I on %s $sql$, '_600_outbox_' || lower(v_event), p_table);
        end if;
    end loop;
end
$fn$;

revoke execute on function core.attach_outbox(regclass, text, text[]) from public;

comment on function core.attach_outbox(regclass, text, text[]) is
    'Tell a channel about every row a table gains, changes or loses; for the owner of the table. Idempotent: events that are not named '
    'any more are detached. Errors: 42501 not the owner, PT422 malformed channel or event, no tenant guard, or no key.';

-- For tables outside this tree; guard sheets write the trigger out.

create or replace function core.attach_soft_delete(p_table regclass, p_column text, p_permission text) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    execute format(
        $sql$ create or replace trigger _400_soft_delete
                  before update on %s
                  for each row when (old.deleted_at is distinct from new.deleted_at or old.deleted_by is distinct from new.deleted_by)
                  execute function core.tg_soft_delete(%L, %L) $sql$,
        p_table, p_column, p_permission);
end
$fn$;

revoke execute on function core.attach_soft_delete(regclass, text, text) from public;

comment on function core.attach_soft_delete(regclass, text, text) is
    'Put a table with deleted_at and deleted_by on the soft-delete list: its tenant column, and the permission deletion needs; for the '
    'owner of the table. Idempotent. Errors: 42501 not the owner, 42703 a column is missing.';

-- For tables outside this tree; guard sheets write the trigger out.

create or replace function core.attach_tenant_guard(p_table regclass, p_column text) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    execute format(
        $sql$ create or replace trigger _100_tenant_immutable
                  before update on %1$s
                  for each row when (old.%2$I is distinct from new.%2$I)
                  execute function core.tg_tenant_immutable(%2$L) $sql$,
        p_table, p_column);
end
$fn$;

revoke execute on function core.attach_tenant_guard(regclass, text) from public;

comment on function core.attach_tenant_guard(regclass, text) is
    'Keep rows of a table in their tenant, and declare its tenant column; for the owner of the table. Idempotent. '
    'Errors: 42501 not the owner, 42703 no such column.';

-- For tables outside this tree; guard sheets write the trigger out.

create or replace function core.attach_touch(p_table regclass) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    execute format(
        $sql$ create or replace trigger _300_touch_updated_at
                  before update on %s
                  for each row execute function core.tg_touch_updated_at() $sql$,
        p_table);
end
$fn$;

revoke execute on function core.attach_touch(regclass) from public;

comment on function core.attach_touch(regclass) is
    'Keep updated_at of a table by trigger; for the owner of the table. Idempotent. Errors: 42501 not the owner.';

-- The arguments of a generated trigger say what core.attach_audit was asked for, in its own order, and the columns it found.

create or replace function core.audit_attachment(
    p_table regclass, out target text, out tenant_column text, out redacted text[], out ignored text[], out columns text[]
) returns setof record
    language sql stable parallel safe
begin atomic
    with argument as (
        select convert_from(decode(given.text, 'escape'), 'UTF8') as value, given.position
          from pg_trigger as t
         cross join string_to_table(encode(t.tgargs, 'escape'), '\000') with ordinality as given (text, position)
         where t.tgrelid = p_table
           and t.tgname = '_900_audit_update'
           and not t.tgisinternal
    )
    select (select a.value from argument as a where a.position = 1),
           (select nullif(a.value, '') from argument as a where a.position = 2),
           (select a.value::text[] from argument as a where a.position = 3),
           (select a.value::text[] from argument as a where a.position = 4),
           (select a.value::text[] from argument as a where a.position = 5)
     where exists (select from argument);
end;

revoke execute on function core.audit_attachment(regclass) from public;
grant execute on function core.audit_attachment(regclass) to app_user, app_readonly, app_monitor, app_definer;

comment on function core.audit_attachment(regclass) is
    'How a table is audited: the log, its tenant column, the columns redacted and ignored, the columns its trigger knows. No row when it '
    'is not. Errors: none.';

create or replace function core.audit_columns(p_table regclass) returns text[]
    language sql stable parallel safe
begin atomic
    select array(
        select a.attname::text
          from pg_attribute as a
         where a.attrelid = p_table
           and a.attnum > 0
           and not a.attisdropped
         order by a.attname::text collate "C");
end;

revoke execute on function core.audit_columns(regclass) from public;
grant execute on function core.audit_columns(regclass) to app_user, app_readonly, app_monitor, app_definer;

comment on function core.audit_columns(regclass) is
    'The columns of a table, sorted by name: what the audit triggers compare, whatever order they were added in. Internal. Errors: none.';

-- The way of a generated audit trigger whose table has got columns it does not know: slower than typed comparisons, and complete.

create or replace function core.audit_diff(p_values jsonb, p_other jsonb, p_ignored text[], p_redacted text[]) returns jsonb
    language sql immutable parallel safe
begin atomic
    select coalesce(
               jsonb_object_agg(v.key, case when v.key = any (p_redacted) then '"[redacted]"' else v.value end),
               '{}')
      from jsonb_each(p_values) as v
     where p_other -> v.key is distinct from v.value
       and v.key <> all (p_ignored);
end;

revoke execute on function core.audit_diff(jsonb, jsonb, text[], text[]) from public;
grant execute on function core.audit_diff(jsonb, jsonb, text[], text[]) to app_definer;

comment on function core.audit_diff(jsonb, jsonb, text[], text[]) is
    'The keys of one object whose values differ in the other, but for ignored ones; redacted values as "[redacted]". Internal. Errors: none.';

create or replace function core.audit_entity_type(p_table regclass) returns text
    language sql stable parallel safe
begin atomic
    select format('%s.%s', n.nspname, c.relname)
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
     where c.oid = p_table;
end;

revoke execute on function core.audit_entity_type(regclass) from public;
grant execute on function core.audit_entity_type(regclass) to app_user, app_readonly, app_monitor, app_definer;

comment on function core.audit_entity_type(regclass) is 'schema.table, as core.audit_log names a kind of entity. Internal. Errors: none.';

-- core.audited_tables: what core.attach_audit was told, read from its triggers, and whether they still see everything.

create view core.audited_tables with (security_invoker = true) as
select core.audit_entity_type(c.oid) as entity_type,
       attachment.target,
       attachment.tenant_column,
       attachment.redacted,
       attachment.ignored,
       core.audit_columns(c.oid) = attachment.columns
       and not (c.relkind = 'r' and c.relhassubclass and exists (select from pg_catalog.pg_inherits as i where i.inhparent = c.oid))
       and (
        select bool_and(
                   4 = (
                    select count(*)
                      from pg_catalog.pg_trigger as t
                     where t.tgrelid = part.relid
                       and t.tgname in ('_900_audit_insert', '_900_audit_update', '_900_audit_delete', '_900_audit_truncate')
                       and t.tgenabled in ('O', 'A')))
          from (
            select tree.relid from pg_catalog.pg_partition_tree(c.oid) as tree
             union
            select c.oid::pg_catalog.regclass
          ) as part) as is_complete
  from pg_catalog.pg_class as c
 cross join lateral core.audit_attachment(c.oid) as attachment
 where c.relkind in ('r', 'p')
   and not c.relispartition;

comment on view core.audited_tables is 'The audited tables: where their changes go, and what is left out.';
comment on column core.audited_tables.is_complete is
    'False when columns came or went since core.attach_audit ran, when a partition has no triggers, when a table inherits from it, or when a trigger is missing or '
    'disabled: run core.attach_audit again.';

grant select on core.audited_tables to app_monitor, app_definer;

-- The anchor: sent to another system or printed, it proves later that everything up to its run is what it was.

create or replace function core.audit_head(
    out run bigint, out head text, out sealed_at timestamptz, out sealed_entries bigint, out open_entries bigint
) returns record
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    select r.run,
           encode(r.head, 'hex'),
           r.sealed_at,
           (select sum(every.entry_count)::bigint from core.audit_seal_runs as every),
           (select count(*) from core.audit_log as l where l.id > coalesce(r.after_id, 0) and l.transaction_id >= coalesce(r.to_transaction, 0))
      from (values (1)) as one (row)
      left join (select newest.* from core.audit_seal_runs as newest order by newest.run desc limit 1) as r on true;
end;

alter function core.audit_head() owner to app_definer;
revoke execute on function core.audit_head() from public;
grant execute on function core.audit_head() to app_worker, app_monitor;

comment on function core.audit_head() is
    'The newest head of the sealed audit log, to be kept elsewhere, when it was made, how many entries are sealed under it and how many '
    'wait for the next run. Nulls before the first run. Errors: none.';

-- The generated audit triggers ask this with constants, so the planner answers it: a trigger's plan costs nothing for the question, and
-- adding or dropping a column throws the plan away, which asks again. That is what IMMUTABLE stands for here; nobody else should call it.

-- dbkit: allow false_immutable because the plan that holds the answer is dropped whenever the table changes
create or replace function core.audit_is_current(p_table regclass, p_columns text[], p_types text[] default null) returns boolean
    language plpgsql immutable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return p_columns = core.audit_columns(p_table) and coalesce(p_types = core.audit_types(p_table), true);
end
$fn$;

revoke execute on function core.audit_is_current(regclass, text[], text[]) from public;
grant execute on function core.audit_is_current(regclass, text[], text[]) to app_definer, app_monitor;

comment on function core.audit_is_current(regclass, text[], text[]) is
    'Whether a table still has exactly these columns (sorted by name), those its audit trigger was generated for, and of these types unless '
    'null. Internal. Errors: none.';

create or replace function core.audit_keep() returns interval
    language sql stable
begin atomic
    select s.value::interval from core.app_settings as s where s.key = 'audit.keep';
end;

alter function core.audit_keep() owner to app_definer;
revoke execute on function core.audit_keep() from public;
grant execute on function core.audit_keep() to app_owner;

comment on function core.audit_keep() is
    'How long audit entries are kept, from the setting audit.keep; null without one: for ever. Errors: 22007 the setting is no interval.';

create or replace function core.audit_keys(p_values jsonb) returns text[]
    language sql immutable parallel safe
begin atomic
    select array(select jsonb_object_keys(p_values));
end;

revoke execute on function core.audit_keys(jsonb) from public;
grant execute on function core.audit_keys(jsonb) to app_definer;

comment on function core.audit_keys(jsonb) is 'The keys of an object, for the generated audit triggers. Internal. Errors: none.';

-- quote_ident() leaves words alone that are reserved in PL/pgSQL only. There they end an expression, and a field of a record is not found.

create or replace function core.audit_name(p_column text) returns text
    language sql immutable parallel safe
return case when p_column in ('begin', 'by', 'declare', 'execute', 'foreach', 'if', 'loop', 'strict', 'while') then '"' || p_column || '"'
            else quote_ident(p_column) end;

revoke execute on function core.audit_name(text) from public;

comment on function core.audit_name(text) is
    'A column as it is written behind a record of PL/pgSQL, for core.audit_trigger_sql. Internal. Errors: none.';

-- Two values the type calls equal may still be stored and shown differently (citext 'a' and 'A', numeric 1.0 and 1.00, json without any
-- equality at all). Where B-tree equality is known to mean identity, the type's own comparison is the fastest; else the images are compared.

create or replace function core.audit_comparison(p_table regclass, p_column name) returns text
    language sql stable parallel safe
begin atomic
    select case
               when exists (
                select
                  from pg_opclass as c
                  join pg_amproc as p on p.amprocfamily = c.opcfamily and p.amproclefttype = c.opcintype and p.amprocnum = 4
                 where c.opcmethod = (select m.oid from pg_am as m where m.amname = 'btree')
                   and c.opcdefault
                   -- text and varchar share operators
                   and c.opcintype = case t.base when 'varchar'::regtype then 'text'::regtype else t.base end
                   and (p.amproc = 'btequalimage(oid)'::regprocedure
                        or p.amproc = 'btvarstrequalimage(oid)'::regprocedure and t.is_deterministic))
                 -- a declared scale leaves one way to write a number
                 or t.base = 'numeric'::regtype and t.modifier >= 0
               then format('o.%1$s is distinct from n.%1$s', core.audit_name(p_column))
               else format('row(o.%1$s)::record operator(pg_catalog.*<>) row(n.%1$s)::record', core.audit_name(p_column))
           end
      from pg_attribute as a
      join lateral (
        with recursive domain (base, modifier) as (
            select a.atttypid, a.atttypmod
             union all
            select d.typbasetype, case when domain.modifier >= 0 then domain.modifier else d.typtypmod end
              from domain
              join pg_type as d on d.oid = domain.base and d.typtype = 'd'
        )
        select domain.base::regtype as base,
               domain.modifier,
               coalesce((select c.collisdeterministic from pg_collation as c where c.oid = a.attcollation), true) as is_deterministic
          from domain
          join pg_type as b on b.oid = domain.base and b.typtype <> 'd'
      ) as t on true
     where a.attrelid = p_table
       and a.attname = p_column;
end;

revoke execute on function core.audit_comparison(regclass, name) from public;

comment on function core.audit_comparison(regclass, name) is
    'SQL that tells whether a column of the row aliases o and n differs, down to how it is stored. Internal. Errors: none.';

-- For many rows: each column is compared once, in the inner query, which hands on the answer as d1 and the values as o1 and n1. Columns
-- go in groups of four: the usual update changes one, and the other groups are passed over by one test each.
-- For one row: a statement for each column, whose expressions are prepared only for columns that changed.

create or replace function core.audit_diff_sql(
    p_table regclass, p_key name[], p_redacted text[], p_ignored text[],
    out fields text, out old_values text, out new_values text, out changed_columns text, out is_changed text, out steps text
) returns record
    language sql stable
begin atomic
    with compared as (
        select c.name,
               core.audit_comparison(p_table, c.name::name) as comparison,
               c.name = any (p_redacted) as is_redacted,
               row_number() over (order by c.name collate "C") as number
          from unnest(core.audit_columns(p_table)) as c (name)
         where c.name <> all (p_key::text[])
           and c.name <> all (p_ignored)
    ), written as (
        select c.number,
               (c.number - 1) / 4 as group_no,
               format(', %s as d%s', c.comparison, c.number)
               || case when c.is_redacted then '' else format(', o.%1$I as o%2$s, n.%1$I as n%2$s', c.name, c.number) end as fields,
               format('d.d%s', c.number) as test,
               case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                    else format('jsonb_build_object(%L, d.o%s)', c.name, c.number) end as old_pair,
               case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                    else format('jsonb_build_object(%L, d.n%s)', c.name, c.number) end as new_pair,
               format('case when d.d%s then %L end', c.number, c.name) as name,
               format(
                   E'\n                    if %1$s then\n'
                   '                        v_before := v_before || %2$s;\n'
                   '                        v_after := v_after || %3$s;\n'
                   '                        v_changed := v_changed || text %4$L;\n'
                   '                    end if;',
                   c.comparison,
                   case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                        else format('jsonb_build_object(%L, o.%s)', c.name, core.audit_name(c.name)) end,
                   case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                        else format('jsonb_build_object(%L, n.%s)', c.name, core.audit_name(c.name)) end,
                   c.name) as step
          from compared as c
    ), grouped as (
        select w.group_no,
               string_agg(w.fields, '' order by w.number) as fields,
               string_agg(w.test, ' or ' order by w.number) as test,
               string_agg(format('case when %s then %s else ''{}''::jsonb end', w.test, w.old_pair), ' || ' order by w.number) as old_pairs,
               string_agg(format('case when %s then %s else ''{}''::jsonb end', w.test, w.new_pair), ' || ' order by w.number) as new_pairs,
               string_agg(w.name, ', ' order by w.number) as names,
               string_agg(w.step, '' order by w.number) as steps
          from written as w
         group by w.group_no
    )
    select coalesce(string_agg(g.fields, '' order by g.group_no), ''),
           coalesce(string_agg(format('case when %s then %s else ''{}''::jsonb end', g.test, g.old_pairs), ' || ' order by g.group_no), '''{}''::jsonb'),
           coalesce(string_agg(format('case when %s then %s else ''{}''::jsonb end', g.test, g.new_pairs), ' || ' order by g.group_no), '''{}''::jsonb'),
           format('array_remove(array[%s]::text[], null)', string_agg(g.names, ', ' order by g.group_no)),
           coalesce(string_agg(g.test, ' or ' order by g.group_no), 'false'),
           coalesce(string_agg(g.steps, '' order by g.group_no), '')
      from grouped as g;
end;

revoke execute on function core.audit_diff_sql(regclass, name[], text[], text[]) from public;

comment on function core.audit_diff_sql(regclass, name[], text[], text[]) is
    'SQL for core.audit_trigger_sql: the fields an inner query makes of the row aliases o and n, and, over its alias d, the changed '
    'columns before and after, their names, and whether there are any; and the steps that compare one row, the records o and n. Internal. '
    'Errors: none.';

create or replace function core.audit_entity_sql(p_key name[], p_tenant_column text, p_alias text) returns text
    language sql immutable parallel safe
begin atomic
    select case when count(*) = 1 then min(format('%I.%s::text', p_alias, core.audit_name(k.name)))
                else format('jsonb_build_array(%s)::text', string_agg(format('%I.%s', p_alias, core.audit_name(k.name)), ', ' order by k.position)) end
      from unnest(p_key) with ordinality as k (name, position)
     where k.name is distinct from p_tenant_column
        or cardinality(p_key) = 1;
end;

revoke execute on function core.audit_entity_sql(name[], text, text) from public;

comment on function core.audit_entity_sql(name[], text, text) is
    'SQL of the entity_id of a row: its key without the tenant column, unless that is the whole key. Internal. Errors: none.';

-- Run it daily. Owned by app_owner and not by app_definer: only who owns the log can give it partitions. A month is made beside the log and
-- then attached, which stops nobody from writing; a lock that is not to be had is left to the next run.

create or replace function core.audit_partitions(p_ahead integer default 3)
    returns table (partition_name text, action text)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
    set lock_timeout = '5s'
as $fn$
declare
    v_this_month constant timestamptz := date_trunc('month', clock_timestamp());
    v_keep       constant interval := core.audit_keep();
    v_months     timestamptz[];
    v_strays     timestamptz[];
    v_month      timestamptz;
    v_name       name;
begin
    if p_ahead is null or p_ahead not between 0 and 120 then
        perform core.raise_error('PT400', 'bad_request', 'Months ahead are a number from 0 to 120.', '{"ahead": "0..120"}');
    end if;
    perform pg_advisory_xact_lock(hashtextextended('core.audit_partitions', 0));

    v_months := array(select generate_series(v_this_month, v_this_month + make_interval(months => p_ahead), '1 month'));
    v_strays := array(
        select distinct date_trunc('month', l.created_at)
          from core.audit_log_default as l
         where l.created_at < v_this_month + make_interval(months => p_ahead + 1));
    if cardinality(v_strays) > 0 then
        perform core.set_audit_strays_aside();
        partition_name := 'core.audit_log_default';
        action := 'emptied';
        return next;
    end if;

    for v_month in select distinct m.month from unnest(v_strays || v_months) as m (month) order by 1 loop
        v_name := 'audit_log_' || to_char(v_month, 'YYYY_MM');
        continue when exists (select from pg_class as c where c.relnamespace = 'core'::regnamespace and c.relname = v_name);
        execute format('create table core.%I (like core.audit_log including defaults including constraints)', v_name);
        execute format('comment on table core.%I is %L', v_name, format('Entries of %s, in UTC.', to_char(v_month, 'YYYY-MM')));
        execute format('alter table core.audit_log attach partition core.%I for values from (%L) to (%L)',
                       v_name, v_month, v_month + interval '1 month');
        perform core.guard_audit_partition(format('core.%I', v_name)::regclass);
        partition_name := format('core.%I', v_name);
        action := 'created';
        return next;
    end loop;
    if cardinality(v_strays) > 0 then
        insert into core.audit_log (
            id, tenant_id, user_id, action, entity_type, entity_id, old_values, new_values, changed_columns, request_id, db_role,
            transaction_id, created_at)
        overriding system value
        select s.id, s.tenant_id, s.user_id, s.action, s.entity_type, s.entity_id, s.old_values, s.new_values, s.changed_columns,
               s.request_id, s.db_role, s.transaction_id, s.created_at
          from core.audit_log_strays as s;
        drop table core.audit_log_strays;
    end if;

    for v_name in
        select c.relname
          from pg_inherits as i
          join pg_class as c on c.oid = i.inhrelid
         where i.inhparent = 'core.audit_log'::regclass
           and c.relname ~ '^audit_log_\d{4}_\d{2}$'
           and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= clock_timestamp() - v_keep
         order by c.relname
    loop
        execute format('drop table core.%I', v_name);
        partition_name := format('core.%I', v_name);
        action := 'dropped';
        return next;
    end loop;
end
$fn$;

revoke execute on function core.audit_partitions(integer) from public;
grant execute on function core.audit_partitions(integer) to app_definer;

comment on function core.audit_partitions(integer) is
    'Make the monthly partitions of the audit log from now to p_ahead months on, move entries that had none into theirs, and drop months '
    'that ended longer ago than audit.keep. Returns what it did. Idempotent. Errors: PT400, 55P03 the log is locked: run it again.';

-- Writes the statement and leaves running it to the caller, under whose rights, policies and checks it then stands, as any change would.
-- Goes back from the newest entry, so that a table that was audited late can still be brought back to any entry it has.

create or replace function core.audit_restore(
    p_entity_type text, p_entity_id text, p_entry bigint, out statement text, out parameters jsonb, out skipped text[]
) returns setof record
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_table   regclass := (
        select c.oid
          from pg_class as c
         where core.audit_entity_type(c.oid) = p_entity_type
           and c.relkind in ('r', 'p'));
    v_rule    record;
    v_entry   record;
    v_is      boolean;
    v_was     boolean;
    v_values  jsonb := '{}';
begin
    perform core.require_permission('audit.view');
    select a.* into v_rule from core.audit_attachment(v_table) as a;
    for v_entry in
        select l.id, l.action, l.old_values, l.tenant_id
          from core.audit_log as l
         where l.tenant_id = core.active_tenant_id()
           and l.entity_type = p_entity_type
           and l.entity_id = p_entity_id
           and l.action in ('insert', 'update', 'delete', 'truncate')
           and l.id >= p_entry
         order by l.id desc
    loop
        exit when v_entry.id = p_entry;
        v_is := coalesce(v_is, v_entry.action in ('insert', 'update'));
        v_was := v_entry.action <> 'insert';
        v_values := case v_entry.action when 'insert' then '{}' when 'update' then v_values || v_entry.old_values else v_entry.old_values end;
    end loop;
    if v_rule.target is null or v_entry.id is null or p_entry <> 0 and v_entry.id <> p_entry then
        perform core.raise_error('PT404', 'not_found', 'The audit log has no such entry of this entity.');
    end if;
    if v_is or v_was then
        return query select r.* from core.audit_restore_sql(v_table, p_entity_id, v_entry.tenant_id, v_values, v_is, v_was) as r;
    end if;
end
$fn$;

revoke execute on function core.audit_restore(text, text, bigint) from public;
grant execute on function core.audit_restore(text, text, bigint) to app_user, app_definer;

comment on function core.audit_restore(text, text, bigint) is
    'The statement that brings an entity back to the state it had right after an audit entry (0: before its first one): run it with '
    'parameters as $1. No row when nothing changed since. skipped names the columns it cannot bring back: redacted ones, and those the table has '
    'no longer. Changes nothing. Errors: PT401, PT403 without audit.view, PT404 no such entry.';

-- The values travel as one jsonb and get their types from the table.

create or replace function core.audit_restore_sql(
    p_table regclass, p_entity_id text, p_tenant_id uuid, p_values jsonb, p_is boolean, p_was boolean,
    out statement text, out parameters jsonb, out skipped text[]
) returns record
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_rule    record := core.audit_attachment(p_table);
    v_keys    text[] := core.primary_key(p_table);
    v_entity  text[] := array_remove(v_keys, v_rule.tenant_column);
    v_key     jsonb := '{}';
    v_columns text[];
    v_source  text := format('jsonb_populate_record(null::%s, $1) as r', p_table);
    v_joined  text := (select string_agg(format('t.%1$I = r.%1$I', k.name), ' and ') from unnest(v_keys) as k (name));
begin
    if cardinality(v_entity) = 0 then
        v_key := jsonb_build_object(v_keys[1], p_entity_id);
    else
        if v_rule.tenant_column = any (v_keys) then
            v_key := jsonb_build_object(v_rule.tenant_column, p_tenant_id);
        end if;
        select v_key || jsonb_object_agg(k.name, case when cardinality(v_entity) = 1 then to_jsonb(p_entity_id)
                                                      else p_entity_id::jsonb -> (k.position - 1)::integer end)
          into v_key
          from unnest(v_entity) with ordinality as k (name, position);
    end if;
    -- bookkeeping keeps itself; a row that comes back brings its own
    v_columns := array(
        select a.attname::text
          from pg_attribute as a
         where a.attrelid = p_table
           and a.attnum > 0
           and not a.attisdropped
           and a.attgenerated = ''
           and p_values ? a.attname
           and a.attname <> all (v_rule.redacted)
           and (not p_is or a.attname <> all (v_rule.ignored || v_keys))
         order by a.attnum);
    skipped := array(
        select v.key
          from jsonb_object_keys(p_values) as v (key)
         where v.key = any (v_rule.redacted)
            or v.key <> all (core.audit_columns(p_table))
         order by v.key);
    parameters := v_key || coalesce((select jsonb_object_agg(c.name, p_values -> c.name) from unnest(v_columns) as c (name)), '{}');

    if not p_was then
        statement := format('delete from %s as t using %s where %s', p_table, v_source, v_joined);
    elsif p_is then
        if cardinality(v_columns) > 0 then
            statement := format('update %s as t set %s from %s where %s', p_table,
                                (select string_agg(format('%1$I = r.%1$I', c.name), ', ') from unnest(v_columns) as c (name)), v_source, v_joined);
        end if;
    else
        statement := (select format('insert into %s (%s) overriding system value select %s from %s', p_table,
                                    string_agg(format('%I', c.name), ', '), string_agg(format('r.%I', c.name), ', '), v_source)
                        from unnest(v_columns) as c (name));
    end if;
end
$fn$;

revoke execute on function core.audit_restore_sql(regclass, text, uuid, jsonb, boolean, boolean) from public;
grant execute on function core.audit_restore_sql(regclass, text, uuid, jsonb, boolean, boolean) to app_user, app_definer;

comment on function core.audit_restore_sql(regclass, text, uuid, jsonb, boolean, boolean) is
    'The statement of core.audit_restore: p_values are what the row had, p_is and p_was tell whether it exists now and existed then. '
    'statement is null when only what is skipped differs. Internal. Errors: none.';

-- Column by column, because a reference to the row itself is formed and carried through the join of an update for every row, though only
-- rows whose key changed need it. jsonb keeps the shortest key first: columns that come so need no sorting.

create or replace function core.audit_row_sql(
    p_table regclass, p_alias text, p_redacted text[], out fields text, out as_json text
) returns record
    language sql stable parallel safe
begin atomic
    select string_agg(
               case when c.name = any (p_redacted) then format('text ''[redacted]'' as %I', c.name)
                    else format('%s.%I', p_alias, c.name) end,
               ', ' order by octet_length(c.name), c.name collate "C"),
           format('case when core.audit_is_current(%L::regclass, %L::text[]) then to_jsonb(%3$s_row.*) else to_jsonb(%3$s.*)%s end',
                  p_table, core.audit_columns(p_table), p_alias,
                  ' || ' || quote_literal(jsonb_object_agg(c.name, '[redacted]') filter (where c.name = any (p_redacted))) || '::jsonb')
      from unnest(core.audit_columns(p_table)) as c (name);
end;

revoke execute on function core.audit_row_sql(regclass, text, text[]) from public;

comment on function core.audit_row_sql(regclass, text, text[]) is
    'SQL for core.audit_trigger_sql: a whole row, redacted, as core.audit_log keeps it, and the fields of the <alias>_row it is made of. '
    'Internal. Errors: none.';

create or replace function core.audit_run_hash(r core.audit_seal_runs) returns bytea
    language sql stable
begin atomic
    select sha256(convert_to(
               row(r.run, r.timeline, r.system_identifier, r.after_id, r.from_transaction, r.to_transaction, r.entry_count,
                   encode(r.previous_head, 'hex'), extract(epoch from r.sealed_at),
                   array(select encode(s.chain, 'hex') from core.audit_seals as s where s.run = r.run order by s.tenant_id, s.number))::text,
               'UTF8'));
end;

revoke execute on function core.audit_run_hash(core.audit_seal_runs) from public;
grant execute on function core.audit_run_hash(core.audit_seal_runs) to app_definer;

comment on function core.audit_run_hash(core.audit_seal_runs) is
    'The head a run must have: over the run, its seals and the head before it. Internal. Errors: none.';

create or replace function core.audit_seal_hash(s core.audit_seals) returns bytea
    language sql stable parallel safe
return sha256(convert_to(row(s.tenant_id, s.number, s.run, to_char(s.month, 'YYYY-MM-DD'), s.entry_ids, s.entry_hashes, encode(s.previous_chain, 'hex'))::text, 'UTF8'));

revoke execute on function core.audit_seal_hash(core.audit_seals) from public;
grant execute on function core.audit_seal_hash(core.audit_seals) to app_definer;

comment on function core.audit_seal_hash(core.audit_seals) is 'The chain value a seal must have. Internal. Errors: none.';

-- Row security keeps to the active tenant; the planner sees the filters that were given (custom plans), so each search has its index.

create or replace function core.audit_search(
    p_entity_type text default null, p_entity_id text default null, p_user_id uuid default null,
    p_from timestamptz default null, p_to timestamptz default null,
    p_limit integer default 50, p_cursor text default null, p_action text default null
) returns table ("row" jsonb, next_cursor text)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_custom_plan
as $fn$
declare
    v_limit integer := least(greatest(coalesce(p_limit, 50), 1), 100);
    v_after jsonb := core.decode_cursor(p_cursor, '{"created_at": "timestamptz", "id": "bigint"}');
    v_time  timestamptz := v_after ->> 'created_at';
    v_id    bigint := v_after ->> 'id';
begin
    perform core.require_permission('audit.view');
    return query
    with found as (
        select l.id, l.created_at, l.user_id, l.action, l.entity_type, l.entity_id, l.old_values, l.new_values, l.changed_columns, l.request_id
          from core.audit_log as l
         where l.tenant_id = core.active_tenant_id()
           and (p_entity_type is null or l.entity_type = p_entity_type)
           and (p_entity_id is null or l.entity_id = p_entity_id)
           and (p_user_id is null or l.user_id = p_user_id)
           and (p_action is null or l.action = p_action)
           and (p_from is null or l.created_at >= p_from)
           and (p_to is null or l.created_at < p_to)
           -- the first says to the index what the second says exactly
           and (v_time is null or l.created_at <= v_time)
           and (v_time is null or (l.created_at, l.id) < (v_time, v_id))
         order by l.created_at desc, l.id desc
         limit v_limit + 1
    ), page as (
        select f.*, row_number() over (order by f.created_at desc, f.id desc) as position, count(*) over () as fetched
          from found as f
    )
    select to_jsonb(p) - '{position,fetched}'::text[],
           case when p.position = v_limit and p.fetched > v_limit
                then core.encode_cursor(jsonb_build_object('created_at', p.created_at, 'id', p.id)) end
      from page as p
     where p.position <= v_limit
     order by p.position;
end
$fn$;

revoke execute on function core.audit_search(text, text, uuid, timestamptz, timestamptz, integer, text, text) from public;
grant execute on function core.audit_search(text, text, uuid, timestamptz, timestamptz, integer, text, text) to app_user, app_readonly;

comment on function core.audit_search(text, text, uuid, timestamptz, timestamptz, integer, text, text) is
    'The history of the active tenant, newest first: of one kind of entity or one entity, by one person, of one action, from p_from to '
    'before p_to. At most p_limit rows (1 to 100); the last row of a page has the cursor of the next one, null when there is none. '
    'Errors: PT401, PT403 without audit.view, PT400 a malformed cursor.';

-- One trigger function for the four triggers of a table. Written out for its columns, because generic code has to turn every row into
-- jsonb and compare key by key; typed comparisons touch only what changed.
--   * The full join can be hashed or merged, never nested: a plan kept from a one-row update is as good for ten thousand rows. It also
--     says what became of rows whose key changed: one entity ended, another began.
--   * Most updates change one row, and preparing that join for one costs several times what comparing it does: one row is compared step
--     by step, unless its key changed. The types are asked for because a step keeps those it has met.
--   * core.audit_is_current is answered while planning, and again when the table changes: with a column added later whole rows are
--     compared as jsonb until core.attach_audit runs again.
--   * OFFSET 0 keeps the inner query apart, so that what it compares is compared once a row and not wherever it is used.
--   * No query in an expression: with one, PostgreSQL walks through all of a kept plan's text for tables to lock, at every use.
--   * Compiling such a plan takes longer than running it: no JIT.
--   * A column may be named like an alias, a variable or a word of the language: rows are n.* and o.*, a bare name is the variable, and
--     core.audit_name quotes.

create or replace function core.audit_trigger_sql(
    p_table regclass, p_function text, p_target regclass, p_tenant_column text, p_redacted text[], p_ignored text[]
) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key      name[] := core.primary_key(p_table);
    v_is_known text := format('core.audit_is_current(%L::regclass, %L::text[])', p_table, core.audit_columns(p_table));
    v_is_same  text := format(
        'core.audit_is_current(%L::regclass, %L::text[], %L::text[])', p_table, core.audit_columns(p_table), core.audit_types(p_table));
    v_diff     record;
    v_old      record := core.audit_row_sql(p_table, 'o', p_redacted);
    v_new      record := core.audit_row_sql(p_table, 'n', p_redacted);
    v_insert   text;
    v_joined   text;
begin
    v_diff := core.audit_diff_sql(p_table, v_key, p_redacted, p_ignored);
    select string_agg(format('n.%1$s = o.%1$s', core.audit_name(k.name)), ' and ' order by k.position)
      into v_joined
      from unnest(v_key) with ordinality as k (name, position);

    -- every log has these columns, ours the request as well; a log without tenant_id has its module's own name for it
    select format(
               'insert into %s (%I, user_id, action, entity_type, entity_id, old_values, new_values, changed_columns%s)',
               p_target,
               coalesce(min(a.attname) filter (where a.attname = 'tenant_id'), p_tenant_column),
               case when bool_or(a.attname = 'request_id') then ', request_id' end)
      into v_insert
      from pg_attribute as a
     where a.attrelid = p_target
       and not a.attisdropped;

    return format(
        $sql$
create or replace function %1$s() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
    set jit = off
as $audit$
#variable_conflict use_variable
declare
    v_user    constant uuid := case when current_setting('app.user_id', true) <> '' then core.current_user_id() end;
    v_request constant text := left(nullif(current_setting('app.request_id', true), ''), 200);
begin
    if tg_op = 'INSERT' then
        %2$s
        select %3$s, v_user, 'insert', %5$L, %6$s, null, %22$s, null%8$s
          from new_rows as n
         cross join lateral (select %9$s) as n_row;
    elsif tg_op = 'UPDATE' then
        declare
            o         record;
            n         record;
            v_before  jsonb := '{}';
            v_after   jsonb := '{}';
            v_changed text[] := '{}';
        begin
            perform from new_rows offset 1;
            if not found and %26$s then
                select * into o from old_rows;
                select * into n from new_rows;
                if not found or %19$s then%27$s
                    if v_changed <> '{}' then
                        %2$s
                        values (%3$s, v_user, 'update', %5$L, %6$s, v_before, v_after, v_changed%8$s);
                    end if;
                    return null;
                end if;
            end if;
        end;
        %2$s
        select d.tenant_id,
               v_user,
               d.action,
               %5$L,
               d.entity_id,
               case when d.action = 'update' then coalesce(d.old_diff, %13$s) else d.old_row end,
               case when d.action = 'update' then coalesce(d.new_diff, %14$s) else d.new_row end,
               case when d.action <> 'update' then null
                    when %12$s then %15$s
                    else core.audit_keys(d.new_diff) end%8$s
          from (
            select case when %11$s then %4$s else %3$s end as tenant_id,
                   case when %11$s then 'delete' when %10$s then 'insert' else 'update' end as action,
                   case when %11$s then %7$s else %6$s end as entity_id,
                   case when %11$s then %24$s end as old_row,
                   case when %10$s then %22$s end as new_row,
                   case when not %12$s then core.audit_diff(to_jsonb(o.*), to_jsonb(n.*), %17$L::text[], %18$L::text[]) end as old_diff,
                   case when not %12$s then core.audit_diff(to_jsonb(n.*), to_jsonb(o.*), %17$L::text[], %18$L::text[]) end as new_diff%25$s
              from old_rows as o
              full join new_rows as n on %19$s
             cross join lateral (select %23$s) as o_row
             cross join lateral (select %9$s) as n_row
            offset 0
          ) as d
         where d.action <> 'update'
            or case when %12$s then %16$s else d.new_diff <> '{}' end;
    elsif tg_op = 'DELETE' then
        %2$s
        select %4$s, v_user, 'delete', %5$L, %7$s, %24$s, null, null%8$s
          from old_rows as o
         cross join lateral (select %23$s) as o_row;
    else
        %2$s
        select %4$s, v_user, 'truncate', %5$L, %7$s, %24$s, null, null%8$s
          from %20$s as o
         cross join lateral (select %23$s) as o_row
         where o.tableoid = tg_relid%21$s;
    end if;
    return null;
end
$audit$ $sql$,
        p_function,
        v_insert,
        coalesce('n.' || core.audit_name(p_tenant_column), 'null::uuid'),
        coalesce('o.' || core.audit_name(p_tenant_column), 'null::uuid'),
        core.audit_entity_type(p_table),
        core.audit_entity_sql(v_key, p_tenant_column, 'n'),
        core.audit_entity_sql(v_key, p_tenant_column, 'o'),
        case when v_insert like '%, request_id)' then ', v_request' end,
        v_new.fields,
        format('o.%I is null', v_key[1]),
        format('n.%I is null', v_key[1]),
        v_is_known,
        v_diff.old_values,
        v_diff.new_values,
        v_diff.changed_columns,
        v_diff.is_changed,
        p_ignored,
        p_redacted,
        v_joined,
        p_table,
        -- partitions made later have no triggers of their own: their rows are the parent's to keep
        (select format(
                    E'\n            or tg_relid = %L::regclass\n               and not exists (\n                select from pg_trigger as t where t.tgrelid = o.tableoid and t.tgname = ''_900_audit_truncate'')',
                    p_table)
           from pg_class as c
          where c.oid = p_table
            and c.relkind = 'p'),
        v_new.as_json,
        v_old.fields,
        v_old.as_json,
        v_diff.fields,
        v_is_same,
        v_diff.steps);
end
$fn$;

revoke execute on function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]) from public;

comment on function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]) is
    'The statement that creates the audit trigger function of a table, for core.attach_audit. Internal. Errors: none.';

create or replace function core.audit_types(p_table regclass) returns text[]
    language sql stable parallel safe
    set search_path = pg_catalog, pg_temp
begin atomic
    select array(
        select format_type(a.atttypid, a.atttypmod)
          from pg_attribute as a
         where a.attrelid = p_table
           and a.attnum > 0
           and not a.attisdropped
         order by a.attname::text collate "C");
end;

revoke execute on function core.audit_types(regclass) from public;
grant execute on function core.audit_types(regclass) to app_monitor, app_definer;

comment on function core.audit_types(regclass) is
    'The types of the columns of a table, in the order of core.audit_columns. Internal. Errors: none.';

-- Part by part, so that nothing has to be written as one text: as JSON a string may take six
-- times its room and a number ten thousand times, and a text has at most 1 GB.

create or replace function core.audit_value_hash(p_value jsonb) returns bytea
    language plpgsql immutable parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_hash bytea := sha256(convert_to(jsonb_typeof(p_value), 'UTF8'));
    v_item record;
begin
    case jsonb_typeof(p_value)
        when 'object' then
            for v_item in select e.key, e.value from jsonb_each(p_value) as e loop
                v_hash := sha256(v_hash || sha256(convert_to(v_item.key, 'UTF8')) || core.audit_value_hash(v_item.value));
            end loop;
        when 'array' then
            for v_item in select e.value from jsonb_array_elements(p_value) as e loop
                v_hash := sha256(v_hash || core.audit_value_hash(v_item.value));
            end loop;
        when 'number' then
            v_hash := sha256(v_hash || numeric_send(p_value::numeric));
        else
            v_hash := sha256(v_hash || sha256(convert_to(coalesce(p_value #>> '{}', ''), 'UTF8')));
    end case;
    return v_hash;
end
$fn$;

revoke execute on function core.audit_value_hash(jsonb) from public;
grant execute on function core.audit_value_hash(jsonb) to app_definer;

comment on function core.audit_value_hash(jsonb) is
    'SHA-256 over a document of any size, key by key. Internal. Errors: none.';

-- One entry that cannot be hashed would keep all that follow it unsealed. What decides is the size of the value itself, however the row
-- stores it: a dump that is restored has to have the same hashes. STABLE as pg_column_size() is, or it would not be inlined.

create or replace function core.audit_image(p_values jsonb) returns text
    language sql stable parallel safe
return case
    when pg_column_size(p_values || '{}') <= 8000 then p_values::text
    -- deeper than functions call themselves: no digest that withstands an expert, but one that is always there
    when jsonb_path_exists(p_values, 'strict $.**{100}')
        then 'hash ' || jsonb_hash_extended(p_values, 1)::text || ' ' || jsonb_hash_extended(p_values, 2)::text
    else 'sha256 ' || encode(core.audit_value_hash(p_values), 'hex')
end;

revoke execute on function core.audit_image(jsonb) from public;
grant execute on function core.audit_image(jsonb) to app_definer;

comment on function core.audit_image(jsonb) is
    'The values of an audit entry as core.audit_entry_hash writes them: themselves, of more than 8 kB their hash. Internal. Errors: none.';

-- A record as text says every value apart from every other: quotes are doubled, null is not ''. Times go as seconds since the epoch, so
-- that no setting of the session has a say. The columns are listed: one that is added to the log later leaves old hashes alone.

create or replace function core.audit_entry_hash(l core.audit_log) returns uuid
    language sql stable parallel safe
return encode(
    substr(
        sha256(
            convert_to(
                row(l.id, l.tenant_id, l.user_id, l.action, l.entity_type, l.entity_id, core.audit_image(l.old_values),
                    core.audit_image(l.new_values), l.changed_columns,
                    l.request_id, l.db_role, l.transaction_id, extract(epoch from l.created_at))::text,
                'UTF8')),
        1, 16),
    'hex')::uuid;

revoke execute on function core.audit_entry_hash(core.audit_log) from public;
grant execute on function core.audit_entry_hash(core.audit_log) to app_definer;

comment on function core.audit_entry_hash(core.audit_log) is
    'The first 128 bits of the SHA-256 of an audit entry, all of its columns. Internal. Errors: none.';

-- What core.cache_invalidate, _tag and _prefix have in common. The note makes entries stale, also those that are being computed; removing
-- them is housekeeping, and skips what another transaction holds.

create or replace function core.cache_forget(p_tag text, p_prefix text, p_key text) returns integer
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user    uuid := core.require_user();
    v_rooms   uuid[] := array_remove(array[core.active_tenant_id(), v_user], null);
    v_removed integer;
begin
    -- longer than core.cache_set lets any be, and than an index takes
    if length(coalesce(p_tag, p_prefix, p_key)) > 600 then
        return 0;
    end if;
    insert into core.cache_invalidations (tenant_id, tag, prefix)
    select distinct room.id, coalesce(p_tag, 'key:' || p_key, '*'), coalesce(p_prefix, '')
      from unnest(v_rooms) as room (id)
    on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();

    delete from core.cache_entries as e
     where e.ctid = any (array(
               select gone.ctid
                 from core.cache_entries as gone
                where gone.tenant_id = any (v_rooms)
                  and (gone.key = p_key or starts_with(gone.key, p_prefix) or p_tag = any (gone.tags))
                  for update skip locked));
    get diagnostics v_removed = row_count;
    return v_removed;
end
$fn$;

alter function core.cache_forget(text, text, text) owner to app_definer;
revoke execute on function core.cache_forget(text, text, text) from public;

comment on function core.cache_forget(text, text, text) is
    'Invalidate the caller''s entries by tag, prefix or key, whichever is not null; returns how many were removed. Internal. Idempotent. '
    'Errors: PT401 nobody is signed in.';

create or replace function core.cache_get(p_name text, p_key text) returns jsonb
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_where record;
begin
    select c.room, c.variant into v_where from core.cache_room(p_name) as c;
    return core.cache_read(v_where.room, p_name, p_key, v_where.variant);
end
$fn$;

alter function core.cache_get(text, text) owner to app_definer;
revoke execute on function core.cache_get(text, text) from public;
grant execute on function core.cache_get(text, text) to app_user;

comment on function core.cache_get(text, text) is
    'A cached value of the active tenant (or role, user, person, by the policy), null when there is none, it has expired or what it was made '
    'from has changed. After null, compute the value and call core.cache_set in the same transaction. Each call counts as a look-up. '
    'Errors: PT422 no such policy, PT401 nobody is signed in, PT403 no tenant named.';

create or replace function core.cache_invalidate(p_key text) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_key is null then
        perform core.raise_error('PT400', 'bad_request', 'An entry is named by its policy and key, e.g. customers:1.');
    end if;
    return core.cache_forget(null, null, p_key);
end
$fn$;

alter function core.cache_invalidate(text) owner to app_definer;
revoke execute on function core.cache_invalidate(text) from public;
grant execute on function core.cache_invalidate(text) to app_user;

comment on function core.cache_invalidate(text) is
    'Forget one entry of the active tenant or the person, in all its variants, by policy and key: ''customers:1''. Takes effect with the transaction; returns how many entries were removed. Idempotent. Errors: PT400 no key, PT401 nobody is signed in.';

create or replace function core.cache_invalidate_prefix(p_prefix text) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_prefix is null then
        perform core.raise_error('PT400', 'bad_request', 'A prefix is needed.');
    end if;
    return core.cache_forget(null, p_prefix, null);
end
$fn$;

alter function core.cache_invalidate_prefix(text) owner to app_definer;
revoke execute on function core.cache_invalidate_prefix(text) from public;
grant execute on function core.cache_invalidate_prefix(text) to app_user;

comment on function core.cache_invalidate_prefix(text) is
    'Forget the entries of the active tenant and the person whose policy and key begin with a prefix: ''customers:'' is all of that policy. Not a pattern. Takes effect with the transaction; returns how many entries were removed. Idempotent. Errors: PT400 no prefix, PT401 nobody is signed in.';

create or replace function core.cache_invalidate_tag(p_tag text) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_tag is null then
        perform core.raise_error('PT400', 'bad_request', 'A tag is needed.');
    end if;
    return core.cache_forget(p_tag, null, null);
end
$fn$;

alter function core.cache_invalidate_tag(text) owner to app_definer;
revoke execute on function core.cache_invalidate_tag(text) from public;
grant execute on function core.cache_invalidate_tag(text) to app_user;

comment on function core.cache_invalidate_tag(text) is
    'Forget the entries of the active tenant and the person that carry a tag. Takes effect with the transaction; returns how many entries were removed. Idempotent. Errors: PT400 no tag, PT401 nobody is signed in.';

-- Also sums look-ups up, and forgets invalidations nobody needs: a transaction that looked before one was committed stores nothing after
-- five minutes, so after six, and once the entries it made stale are gone, it has done its work. Those entries are the one thing waited for.

create or replace function core.cache_purge_expired(p_batch integer default 50000) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_removed integer;
    v_stale   integer;
begin
    -- one at a time: whoever comes second finds nothing to do
    if not pg_try_advisory_xact_lock(hashtextextended('core.cache_purge_expired', 0)) then
        return 0;
    end if;

    with summed as (
        delete from core.cache_lookups as l
         where l.ctid = any (array(select old.ctid from core.cache_lookups as old limit p_batch for update skip locked))
        returning l.tenant_id, l.bucket, l.name, l.is_hit
    )
    insert into core.cache_stats as s (tenant_id, bucket, name, hits, misses)
    select l.tenant_id, l.bucket, l.name, count(*) filter (where l.is_hit), count(*) filter (where not l.is_hit)
      from summed as l
     group by l.tenant_id, l.bucket, l.name
    on conflict (tenant_id, bucket, name) do update
       set hits = s.hits + excluded.hits,
           misses = s.misses + excluded.misses;
    delete from core.cache_stats as s where s.bucket < now() - interval '7 days';

    delete from core.cache_entries as e
     where e.ctid = any (array(
               select expired.ctid
                 from core.cache_entries as expired
                where expired.expires_at <= clock_timestamp()
                order by expired.expires_at
                limit p_batch
                  for update skip locked));
    get diagnostics v_removed = row_count;

    if exists (select from core.cache_invalidations as i where i.settled_at < clock_timestamp() - interval '6 minutes') then
        delete from core.cache_entries as e
         where exists (
                   select
                     from core.cache_invalidations as i
                    where i.tenant_id = e.tenant_id
                      and i.tag = any (e.tags || array['*', 'key:' || e.key])
                      and i.xid >= least(pg_snapshot_xmin(e.seen), e.xid)
                      and case when i.xid = e.xid then i.noted_at >= e.seen_at else not pg_visible_in_snapshot(i.xid, e.seen) end
                      and starts_with(e.key, i.prefix));
        get diagnostics v_stale = row_count;
        v_removed := v_removed + v_stale;
        delete from core.cache_invalidations as i where i.settled_at < clock_timestamp() - interval '6 minutes';
    end if;
    update core.cache_invalidations as i set settled_at = clock_timestamp() where i.settled_at is null;
    return v_removed;
end
$fn$;

alter function core.cache_purge_expired(integer) owner to app_definer;
revoke execute on function core.cache_purge_expired(integer) from public;

comment on function core.cache_purge_expired(integer) is
    'Remove at most p_batch expired entries, and stale ones; returns how many. Sums up statistics, which stay for 7 days. For cron, every '
    'five minutes; safe in parallel. Idempotent. Errors: none.';

-- For definer functions, which say whose room they read; core.cache_get is for everybody else.
-- A miss notes snapshot and time: what is computed from here on is at least as new, so core.cache_write stores them with the value. The
-- note is a setting of the transaction; a transaction with more misses than it holds gets the short life of a value without one.

create or replace function core.cache_read(p_room uuid, p_name text, p_key text, p_variant text default '') returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key   text := p_name || ':' || p_key;
    v_entry record;
    v_hit   boolean;
    v_seen  text;
begin
    -- a standby has no unlogged tables
    if pg_is_in_recovery() then
        return null;
    end if;

    select e.value, e.tags, e.seen, e.seen_at, e.xid
      into v_entry
      from core.cache_entries as e
     where e.tenant_id = p_room
       and e.key = v_key
       and e.variant = p_variant
       and e.expires_at > clock_timestamp();
    v_hit := found;
    if v_hit then
        -- one look-up: a transaction below xmin is visible, so the scan begins there
        v_hit := not exists (
            select
              from core.cache_invalidations as i
             where i.tenant_id = p_room
               and i.tag = any (v_entry.tags || array['*', 'key:' || v_key])
               and i.xid >= least(pg_snapshot_xmin(v_entry.seen), v_entry.xid)
               and case
                       when i.xid = v_entry.xid then i.noted_at >= v_entry.seen_at
                       else not pg_visible_in_snapshot(i.xid, v_entry.seen)
                   end
               and starts_with(v_key, i.prefix));
    end if;
    if not v_hit then
        v_seen := coalesce(nullif(current_setting('app.cache_seen', true), ''), '{}');
        if length(v_seen) < 10000 then
            perform set_config(
                'app.cache_seen',
                (v_seen::jsonb || jsonb_build_object(
                    p_room || v_key || '@' || p_variant, jsonb_build_array(pg_current_snapshot()::text, clock_timestamp())))::text,
                true);
        end if;
    end if;

    if current_setting('transaction_read_only') = 'off' then
        insert into core.cache_lookups (tenant_id, bucket, name, is_hit)
        values (p_room, date_trunc('minute', clock_timestamp()), p_name, v_hit);
    end if;
    return case when v_hit then v_entry.value end;
end
$fn$;

alter function core.cache_read(uuid, text, text, text) owner to app_definer;
revoke execute on function core.cache_read(uuid, text, text, text) from public;

comment on function core.cache_read(uuid, text, text, text) is
    'A cached value of a room (a tenant, or a person), null when there is none or it is stale. Internal. Each call counts as a look-up. Errors: none.';

-- Who shares an entry is the policy's, not the caller's, so that a value one role may see is never another's answer.

create or replace function core.cache_room(p_name text, out room uuid, out variant text, out policy core.cache_policies)
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    select p.* into policy from core.cache_policies as p where p.name = p_name;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no such cache policy.', '{"name": "is not known"}');
    end if;

    variant := '';
    if policy.varies_by = 'person' then
        room := core.require_user();
        return;
    end if;
    room := coalesce(core.active_tenant_id(), core.require_tenant());
    if policy.varies_by = 'user' then
        variant := core.current_user_id()::text;
    elsif policy.varies_by = 'role' then
        select m.role_key
          into variant
          from core.memberships as m
         where m.tenant_id = room
           and m.user_id = core.current_user_id();
    end if;
end
$fn$;

alter function core.cache_room(text) owner to app_definer;
revoke execute on function core.cache_room(text) from public;

comment on function core.cache_room(text) is
    'Where the caller''s entries of a policy are: the tenant or the person, and the role or user that shares them. Internal. Errors: PT422 '
    'no such policy, PT401 nobody is signed in, PT403 no tenant named.';

create or replace function core.cache_set(
    p_name text, p_key text, p_value jsonb, p_tags text[] default '{}', p_ttl_seconds integer default null
) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_where record;
begin
    select c.room, c.variant, (c.policy).priority, (c.policy).is_internal into v_where from core.cache_room(p_name) as c;
    if v_where.priority = 'NEVER' then
        perform core.raise_error('PT422', 'invalid', 'Values of this class are never cached.', '{"name": "is never cached"}');
    elsif v_where.is_internal then
        perform core.raise_error('PT422', 'invalid', 'Values of this class are cached by the database itself.', '{"name": "is internal"}');
    elsif p_key is null or length(p_key) not between 1 and 512 or p_value is null or pg_column_size(p_value) > 1048576
          or p_tags is null or cardinality(p_tags) > 32 or array_position(p_tags, null) is not null
          or exists (select from unnest(p_tags) as tag where length(tag) > 512)
          or p_ttl_seconds <= 0
    then
        perform core.raise_error(
            'PT422', 'invalid', 'An entry has a key of 1 to 512 characters, a value of at most 1 MB, at most 32 tags of 512 and a positive TTL.');
    end if;
    perform core.cache_write(v_where.room, p_name, p_key, v_where.variant, p_value, p_tags, p_ttl_seconds);
end
$fn$;

alter function core.cache_set(text, text, jsonb, text[], integer) owner to app_definer;
revoke execute on function core.cache_set(text, text, jsonb, text[], integer) from public;
grant execute on function core.cache_set(text, text, jsonb, text[], integer) to app_user;

comment on function core.cache_set(text, text, jsonb, text[], integer) is
    'Keep a value for the active tenant (or role, user, person, by the policy), for the policy''s time or p_ttl_seconds, at most a day; without '
    'a core.cache_get of this transaction before, at most five minutes. A hint, not a promise: nothing is stored in a read-only '
    'transaction or while another stores the entry. Idempotent. Errors: PT422 no such policy, one of class NEVER or internal, malformed '
    'key, value, tags or time, PT401 nobody is signed in, PT403 no tenant named.';

create or replace function core.cache_stats_report(p_since interval default '1 hour')
returns table (name text, hits bigint, misses bigint, hit_rate numeric)
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    with counted as (
        select s.name, s.hits, s.misses
          from core.cache_stats as s
         where s.bucket > now() - p_since
         union all
        select l.name, count(*) filter (where l.is_hit), count(*) filter (where not l.is_hit)
          from core.cache_lookups as l
         where l.bucket > now() - p_since
         group by l.name
    )
    select p.name,
           coalesce(sum(c.hits), 0)::bigint,
           coalesce(sum(c.misses), 0)::bigint,
           round(sum(c.hits) / nullif(sum(c.hits) + sum(c.misses), 0), 4)
      from core.cache_policies as p
      left join counted as c
        on c.name = p.name
     where p.priority <> 'NEVER'
     group by p.name
     order by p.name;
end;

alter function core.cache_stats_report(interval) owner to app_definer;
revoke execute on function core.cache_stats_report(interval) from public;
grant execute on function core.cache_stats_report(interval) to app_monitor, app_platform_admin;

comment on function core.cache_stats_report(interval) is
    'Hits, misses and hits / (hits + misses) per policy in the last p_since, by whole minutes; the rate is null where nobody looked. Reads '
    'only. Errors: none.';

-- core.cache_hit_rate: how often the cache had what was asked for, in the last hour.

create view core.cache_hit_rate with (security_invoker = true) as
select r.name, r.hits, r.misses, r.hit_rate
  from core.cache_stats_report(interval '1 hour') as r
 order by r.hits + r.misses desc, r.name;

comment on view core.cache_hit_rate is 'Hits, misses and their rate per cache policy in the last hour; the policies that are read most come first.';
comment on column core.cache_hit_rate.hit_rate is 'Hits of all reads, 0 to 1; null where nobody read.';

-- For definer functions, which say whose room they write; core.cache_set is for everybody else.
-- A cache is never worth waiting for: who meets another writer of the entry for longer than an instant leaves it alone.

create or replace function core.cache_write(
    p_room uuid, p_name text, p_key text, p_variant text, p_value jsonb, p_tags text[] default '{}', p_ttl_seconds integer default null
) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '10ms'
as $fn$
declare
    v_seen   jsonb := nullif(current_setting('app.cache_seen', true), '')::jsonb -> (p_room || p_name || ':' || p_key || '@' || p_variant);
    v_policy core.cache_policies;
    v_ttl    integer;
begin
    select p.* into strict v_policy from core.cache_policies as p where p.name = p_name;
    v_ttl := least(coalesce(p_ttl_seconds, v_policy.ttl_seconds), 86400);

    if current_setting('transaction_read_only') = 'on' then
        return;
    elsif v_seen is null then
        -- Nobody looked it up in this transaction: the value may be from before any change of the last minutes.
        v_seen := jsonb_build_array(pg_current_snapshot()::text, clock_timestamp());
        v_ttl := least(v_ttl, 300);
    elsif transaction_timestamp() < clock_timestamp() - interval '5 minutes' then
        -- core.cache_purge_expired keeps invalidations only a little longer
        return;
    end if;

    insert into core.cache_entries as e (tenant_id, key, variant, value, tags, seen, seen_at, xid, created_at, expires_at)
    values (p_room, p_name || ':' || p_key, p_variant, p_value, array_remove(p_tags || v_policy.tag, null),
            (v_seen ->> 0)::pg_snapshot, (v_seen ->> 1)::timestamptz, pg_current_xact_id(),
            clock_timestamp(), clock_timestamp() + v_ttl * interval '1 second')
    on conflict (tenant_id, key, variant) do update
       set value = excluded.value,
           tags = excluded.tags,
           seen = excluded.seen,
           seen_at = excluded.seen_at,
           xid = excluded.xid,
           created_at = excluded.created_at,
           expires_at = excluded.expires_at;
exception
    when lock_not_available then
        null;
end
$fn$;

alter function core.cache_write(uuid, text, text, text, jsonb, text[], integer) owner to app_definer;
revoke execute on function core.cache_write(uuid, text, text, text, jsonb, text[], integer) from public;

comment on function core.cache_write(uuid, text, text, text, jsonb, text[], integer) is
    'Keep a value in a room (a tenant, or a person). Stores nothing in a read-only transaction, one older than five minutes, or while '
    'another writes the entry. Internal. Idempotent. Errors: P0002 no such policy.';

-- Inside a definer function current_user is the function's owner and session_user the login; the role a request runs as is in the
-- setting `role`, which SET ROLE checks.

create or replace function core.caller_role() returns name
    language sql stable parallel restricted
return coalesce(nullif(current_setting('role'), 'none')::name, session_user);

revoke execute on function core.caller_role() from public;
grant execute on function core.caller_role() to app_definer;

comment on function core.caller_role() is
    'The role the request runs as, also inside definer functions. Internal. Errors: none.';

-- For the payment provider's webhook and for the platform; tenants do not write their own subscription.

create or replace function core.change_subscription(p_tenant uuid, p_tier text, p_status text) returns core.subscriptions
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_system       text;
    v_subscription core.subscriptions;
begin
    select t.system into v_system from core.tenants as t where t.id = p_tenant;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no such tenant.');
    end if;
    if not exists (select from core.subscription_tiers as st where st.system = v_system and st.key = p_tier) then
        perform core.raise_error('PT422', 'invalid', 'The tenant''s system has no such tier.', '{"tier": "unknown"}');
    end if;
    if p_status is null or p_status not in ('trialing', 'active', 'past_due', 'canceled', 'expired') then
        perform core.raise_error('PT422', 'invalid', 'There is no such subscription status.', '{"status": "unknown"}');
    end if;

    insert into core.subscriptions as s (tenant_id, system, tier_key, status, trial_ends_at)
    values (p_tenant, v_system, p_tier, p_status, case when p_status = 'trialing' then now() + interval '30 days' end)
    on conflict (tenant_id) do update
       set tier_key = excluded.tier_key,
           status = excluded.status,
           -- a second trial is not a longer one
           trial_ends_at = coalesce(s.trial_ends_at, excluded.trial_ends_at)
    returning s.* into v_subscription;
    return v_subscription;
end
$fn$;

alter function core.change_subscription(uuid, text, text) owner to app_definer;
revoke execute on function core.change_subscription(uuid, text, text) from public;
grant execute on function core.change_subscription(uuid, text, text) to app_worker, app_platform_admin;

comment on function core.change_subscription(uuid, text, text) is
    'Put a tenant on a tier of its system with a status. Idempotent. Errors: PT404 no such tenant, PT422 unknown tier or status.';

-- One error for an unknown and for a foreign tenant, one for an unknown and for an inactive person: nothing here tells what exists.

create or replace function core.check_access(p_user_id uuid, p_tenant_id uuid) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if exists (select from core.may_enter(p_user_id, p_tenant_id)) then
        return;
    end if;
    if not exists (select from core.may_enter(p_user_id, null)) then
        perform core.raise_error('PT401', 'unauthenticated', 'The user is unknown or inactive.');
    end if;
    perform core.raise_error('PT403', 'forbidden', 'The user is not an active member of this tenant.');
end
$fn$;

alter function core.check_access(uuid, uuid) owner to app_definer;
revoke execute on function core.check_access(uuid, uuid) from public;

comment on function core.check_access(uuid, uuid) is
    'Refuse a person who may not act, or not in this tenant (null: no tenant asked for). Internal. '
    'Errors: PT401 unknown or inactive user, PT403 not an active member of an active tenant.';

-- Everything that would make the trigger of a table fail later, or miss rows in silence.

create or replace function core.check_audit(
    p_table regclass, p_target regclass, p_tenant_column text, p_redact text[], p_ignore text[]
) returns void
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key    text[] := coalesce(core.primary_key(p_table), '{}');
    v_column text;
begin
    if cardinality(v_key) = 0 then
        perform core.raise_error('PT422', 'invalid', format('%s has no primary key to know its rows by.', p_table));
    end if;
    -- partitions get triggers of their own; a table that inherits has a key and columns of its own, and TRUNCATE takes its rows along
    if exists (select from pg_inherits as i join pg_class as c on c.oid = i.inhparent and c.relkind = 'r' where i.inhparent = p_table) then
        perform core.raise_error('PT422', 'invalid', format('Tables inherit from %s: not all that happens to its rows would be recorded.', p_table));
    end if;
    -- an update compares in one query, which has three fields for each column and may have 1664
    if cardinality(core.audit_columns(p_table)) > 500 then
        perform core.raise_error('PT422', 'invalid', format('%s has more than 500 columns.', p_table));
    end if;
    foreach v_column in array array_remove(p_redact || p_ignore || p_tenant_column, null) loop
        if v_column <> all (core.audit_columns(p_table)) then
            perform core.raise_error('PT422', 'invalid', format('%s has no column %I.', p_table, v_column),
                                     jsonb_build_object('column', v_column)::text);
        end if;
        if v_column = any (v_key) and v_column is distinct from p_tenant_column or v_column = any (p_redact) and v_column = p_tenant_column then
            perform core.raise_error('PT422', 'invalid', format('%I says whose row of %s it was: it can be neither redacted nor ignored.', v_column, p_table),
                                     jsonb_build_object('column', v_column)::text);
        end if;
    end loop;

    if not (core.audit_columns(p_target) @> array['user_id', 'action', 'entity_type', 'entity_id', 'old_values', 'new_values', 'changed_columns']
            and core.audit_columns(p_target) && array['tenant_id', p_tenant_column]
            and has_table_privilege('app_definer', p_target, 'insert')) then
        perform core.raise_error('PT422', 'invalid', format('%s is no audit log that app_definer can write.', p_target));
    end if;
    -- a TRUNCATE hands its rows to nobody: app_definer reads them
    if not has_table_privilege('app_definer', p_table, 'select')
       or exists (
            select
              from pg_class as c
             where c.oid = p_table
               and c.relrowsecurity
               and not exists (
                select
                  from pg_policy as p
                 where p.polrelid = c.oid
                   and p.polpermissive
                   and p.polcmd in ('*', 'r')
                   and pg_get_expr(p.polqual, p.polrelid) = 'true'
                   and (p.polroles = '{0}' or 'app_definer'::regrole = any (p.polroles)))) then
        perform core.raise_error('PT422', 'invalid', format('app_definer cannot read every row of %s.', p_table));
    end if;
end
$fn$;

revoke execute on function core.check_audit(regclass, regclass, text, text[], text[]) from public;

comment on function core.check_audit(regclass, regclass, text, text[], text[]) is
    'Stop unless a table can be audited as asked, for core.attach_audit. Internal. Errors: PT422.';

-- The row as it was comes from the trigger, not from the table: after a wait for a concurrent change a snapshot would show an older one.

create or replace function core.check_membership_change(
    p_tenant_id uuid, p_user_id uuid, p_old_role_key text, p_old_status text, p_role_key text, p_status text
) returns void
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant core.tenants;
    v_own    integer;
    v_old    integer;
    v_new    integer;
begin
    -- Another tenant: nothing to say here, row security refuses the row.
    if p_tenant_id is distinct from core.active_tenant_id() then
        return;
    end if;
    select t.* into v_tenant from core.tenants as t where t.id = p_tenant_id;

    select r.rank into v_new from core.roles as r where r.system = v_tenant.system and r.key = p_role_key;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'The tenant''s system has no such role.', '{"role_key": "unknown role"}');
    end if;

    select r.rank
      into v_own
      from core.memberships as m
      join core.roles as r on r.system = v_tenant.system and r.key = m.role_key
     where m.tenant_id = p_tenant_id
       and m.user_id = core.current_user_id()
       and m.status = 'active';
    -- A role that is no longer known ranks above everybody: the platform has to mend it.
    if p_old_role_key is not null then
        v_old := coalesce(
            (select r.rank from core.roles as r where r.system = v_tenant.system and r.key = p_old_role_key), 2147483647);
    end if;
    if v_own is null or v_new > v_own or v_old > v_own then
        perform core.raise_error('PT403', 'forbidden', 'A member can neither grant a role above their own nor change who holds one.');
    end if;

    if p_old_status in ('invited', 'removed') and p_status not in ('invited', 'removed') then
        perform core.raise_error('PT403', 'forbidden', 'Only the invited person can accept an invitation.');
    end if;
    if p_user_id = v_tenant.owner_user_id and (p_role_key, p_status) is distinct from (p_old_role_key, p_old_status) then
        perform core.raise_error('PT409', 'conflict', 'The owner of a tenant keeps role and membership until ownership is transferred.');
    end if;
end
$fn$;

alter function core.check_membership_change(uuid, uuid, text, text, text, text) owner to app_definer;
revoke execute on function core.check_membership_change(uuid, uuid, text, text, text, text) from public;
grant execute on function core.check_membership_change(uuid, uuid, text, text, text, text) to app_user;

comment on function core.check_membership_change(uuid, uuid, text, text, text, text) is
    'Refuse a membership row the current person may not write in the active tenant; the old role and status are null for a new row. '
    'Idempotent. Errors: PT403 above the own rank or accepting for somebody else, PT409 the tenant''s owner, PT422 unknown role.';

-- pgcrypto is optional: not every server has it, and the rest of core needs no extension. So its functions are named when they are called.

create or replace function core.cipher_schema() returns name
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_schema name;
begin
    select n.nspname
      into v_schema
      from pg_extension as e
      join pg_namespace as n
        on n.oid = e.extnamespace
     where e.extname = 'pgcrypto';
    if not found then
        perform core.raise_error('PT503', 'unavailable', 'Encryption needs the extension pgcrypto.', '{"extension": "pgcrypto"}');
    elsif coalesce(current_setting('app.encryption_key', true), '') = '' then
        perform core.raise_error('PT503', 'unavailable', 'No encryption key is set for this transaction.', '{"setting": "app.encryption_key"}');
    end if;
    return v_schema;
end
$fn$;

revoke execute on function core.cipher_schema() from public;
grant execute on function core.cipher_schema() to app_user, app_definer;

comment on function core.cipher_schema() is
    'The schema of pgcrypto, once it and a key are there. Internal. Errors: PT503 no pgcrypto, or no app.encryption_key.';

create or replace function core.claim_jobs(p_worker text, p_limit integer default 10, p_queue text default 'default', p_types text[] default null)
returns table (
    lease_id bigint, id uuid, tenant_id uuid, queue text, job_type text, payload jsonb, status text, priority integer, retry_count integer,
    max_retries integer, scheduled_at timestamptz, started_at timestamptz, created_at timestamptz, locked_by text,
    lease_expires_at timestamptz, lease_seconds integer
)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_lease core.job_leases;
begin
    for lease_id, id, tenant_id, queue, job_type, payload, priority, retry_count, max_retries, scheduled_at, created_at, lease_seconds in
        select * from core.next_jobs(p_worker, p_limit, p_queue, p_types)
    loop
        if v_lease.id is null then
            select l.* into v_lease from core.job_leases as l where l.id = lease_id;
        end if;
        status := 'processing';
        started_at := v_lease.claimed_at;
        locked_by := v_lease.worker;
        lease_expires_at := v_lease.lease_until;
        return next;
    end loop;
end
$fn$;

alter function core.claim_jobs(text, integer, text, text[]) owner to app_definer;
revoke execute on function core.claim_jobs(text, integer, text, text[]) from public;
grant execute on function core.claim_jobs(text, integer, text, text[]) to app_worker;

comment on function core.claim_jobs(text, integer, text, text[]) is
    'Claim up to p_limit due jobs of a queue, in the order to run them, under one lease: highest priority first, then what has waited '
    'longest. Each call claims other jobs. core.next_jobs also settles the jobs before. Errors: PT400 no worker or a limit out of range, '
    'PT422 unknown queue.';

-- Transaction-local settings cannot be unset, only emptied; '' reads as null everywhere.

create or replace function core.clear_context() returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform set_config(setting.name, '', true)
       from unnest(array['app.user_id', 'app.tenant_id', 'app.request_id', 'app.client_ip', 'app.seal', 'app.encryption_key'])
         as setting (name);
end
$fn$;

revoke execute on function core.clear_context() from public;
grant execute on function core.clear_context() to app_user, app_renter, app_readonly;

comment on function core.clear_context() is
    'Forget person and tenant for the rest of this transaction. Idempotent. Errors: none.';

-- The setting is not sealed and may hold anything.

create or replace function core.client_ip() returns inet
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return nullif(current_setting('app.client_ip', true), '')::inet;
exception
    when data_exception then
        return null;
end
$fn$;

revoke execute on function core.client_ip() from public;
grant execute on function core.client_ip() to app_user, app_renter, app_anon, app_definer;

comment on function core.client_ip() is
    'The client address the application gave for this transaction, null when absent or malformed. For logs and limits, not for trust. '
    'Errors: none.';

-- As the caller: pg_cron shows its log to the login a job ran as. A bare job cannot log itself, and a job that failed before or outside
-- core.run_cron left nothing. pg_cron never forgets; a day is enough to have been collected in.

create or replace function core.collect_cron_log() returns bigint
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_prefix constant text := 'dbkit:';
    v_count  bigint;
begin
    if not exists (select from pg_extension as e where e.extname = 'pg_cron')
       or not pg_try_advisory_xact_lock(hashtextextended('core.collect_cron_log', 0)) then
        return 0;
    end if;

    insert into core.cron_runs (name, started_at, finished_at, ok, message, pg_cron_runid)
    select j.name,
           -- one that could not be started has no times
           coalesce(d.start_time, d.end_time, clock_timestamp()),
           coalesce(d.end_time, d.start_time, clock_timestamp()),
           d.status = 'succeeded',
           left(rtrim(coalesce(d.return_message, d.status), e'\n'), 1000),
           d.runid
      from cron.job_run_details as d
      join cron.job as c on c.jobid = d.jobid
      join core.cron_jobs as j on c.jobname = c_prefix || j.name
     where c.database = current_database()
       and c.username = current_user
       and d.status = any (case j.run_mode when 'bare' then '{succeeded,failed}' else '{failed}' end::text[])
       and not exists (
           select from core.cron_runs as r where r.name = j.name and r.pg_cron_runid = d.runid)
     order by d.runid;
    get diagnostics v_count = row_count;

    delete from cron.job_run_details as d
     where d.database = current_database()
       and d.username = current_user
       and d.status in ('succeeded', 'failed')
       and coalesce(d.end_time, d.start_time, '-infinity') < clock_timestamp() - interval '1 day'
       and (d.command like 'select core.run\_cron(%'
            or d.command = 'select core.collect_cron_log()'
            or exists (select from cron.job as c where c.jobid = d.jobid and starts_with(c.jobname, c_prefix)));
    return v_count;
end
$fn$;

revoke execute on function core.collect_cron_log() from public;

comment on function core.collect_cron_log() is
    'Bring runs that only pg_cron logged into core.cron_runs, which alerts read: those of bare jobs, and those that failed outside '
    'core.run_cron; and forget what pg_cron says of our runs after a day. Call it as the login that registered the jobs; core.sync_cron '
    'has pg_cron do so each minute. Returns the number of runs. Idempotent, safe in parallel. Errors: none.';

create or replace function core.complete_job(p_job_id uuid, p_worker text, p_result jsonb default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.settle_lease(
        core.lease_of(p_job_id, p_worker), array[p_job_id], null, case when p_result is not null then jsonb_build_object(p_job_id, p_result) end);
end
$fn$;

alter function core.complete_job(uuid, text, jsonb) owner to app_definer;
revoke execute on function core.complete_job(uuid, text, jsonb) from public;
grant execute on function core.complete_job(uuid, text, jsonb) to app_worker;

comment on function core.complete_job(uuid, text, jsonb) is
    'Complete one job a worker holds. Not idempotent: the second call is refused. core.complete_jobs settles many at once. '
    'Errors: PT409 the worker does not hold the job.';

create or replace function core.complete_jobs(p_lease bigint, p_done uuid[] default null, p_failed jsonb default null, p_results jsonb default null)
returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.settle_lease(p_lease, p_done, p_failed, p_results);
end
$fn$;

alter function core.complete_jobs(bigint, uuid[], jsonb, jsonb) owner to app_definer;
revoke execute on function core.complete_jobs(bigint, uuid[], jsonb, jsonb) from public;
grant execute on function core.complete_jobs(bigint, uuid[], jsonb, jsonb) to app_worker;

comment on function core.complete_jobs(bigint, uuid[], jsonb, jsonb) is
    'Settle jobs of a lease: those in p_done are completed (null: all that p_failed does not name), those in p_failed ({"id", "error", '
    '"retryable", "retry_after" seconds}) are tried again later or fail for good; results by job id. Jobs not named stay in the lease. '
    'Returns how many were settled. Not idempotent: the second call is refused. Errors: PT400 malformed failures, PT409 the lease is gone, '
    'a job named is not open in it, or p_done is null and a job of it was cancelled: name them then; nothing was settled.';

-- Constraint names are unique per table only; where two constraints of one name say different things, neither is quoted.

create or replace function core.constraint_message(p_constraint text) returns text
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_messages text[];
begin
    select array_agg(distinct comment.text)
      into v_messages
      from (
        select obj_description(c.oid, 'pg_constraint')
          from pg_constraint as c
         where c.conname = p_constraint
           and c.connamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
         union all
        -- a partial unique index is no constraint, and its violation names it all the same
        select obj_description(i.indexrelid, 'pg_class')
          from pg_index as i
          join pg_class as r on r.oid = i.indexrelid
         where r.relname = p_constraint
           and i.indisunique
           and r.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      ) as comment (text)
     where comment.text is not null;
    return case when cardinality(v_messages) = 1 then v_messages[1] end;
end
$fn$;

revoke execute on function core.constraint_message(text) from public;
grant execute on function core.constraint_message(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.constraint_message(text) is
    'The comment of a constraint or unique index of that name, null when there is none or more than one. Errors: none.';

-- The key comes first and fills one block of the hash. A secret prefix alone would let whoever has a MAC extend its message, were the MAC
-- the whole state of the hash; sha384 keeps a quarter of the state of sha512 back, 128 bits, and without them nothing can be extended.
-- One hash of one message: what a transaction pays is mostly the number of calls.
-- A sealed message has one slash, since uuids have none, and ends with twelve bytes of fixed meaning, so no two contexts share a message.
-- SQL_ASCII stands for the bytes as they are: a conversion could raise on garbage in the settings.

create or replace function core.context_mac(
    p_key bytea, p_user_id text, p_tenant_id text, p_backend_pid integer, p_started_at timestamptz
) returns text
    language sql stable parallel safe
return encode(
    sha384(
        p_key
        || convert_to(p_user_id || '/' || p_tenant_id, 'SQL_ASCII')
        || int4send(p_backend_pid)
        || timestamptz_send(p_started_at)),
    'hex');

alter function core.context_mac(bytea, text, text, integer, timestamptz) owner to app_definer;
revoke execute on function core.context_mac(bytea, text, text, integer, timestamptz) from public;

comment on function core.context_mac(bytea, text, text, integer, timestamptz) is
    'MAC of a context under a 128-byte key: user, tenant, backend and start of the transaction. Internal. Errors: none.';

-- One row a tenant, metric and day: two transactions that count the same wait for each other, so count late.

create or replace function core.count_metric(p_metric text, p_n bigint default 1, p_amount numeric default 0) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    if p_metric !~ '^[a-z][a-z0-9_]{0,62}$' or num_nulls(p_metric, p_n, p_amount) > 0 or p_amount = 'NaN' then
        perform core.raise_error('PT400', 'bad_request', 'A counter needs a name in snake_case, a number and an amount.');
    end if;

    insert into core.daily_counters as c (tenant_id, metric, day, count, amount)
    values (v_tenant, p_metric, core.tenant_today(v_tenant), p_n, p_amount)
    on conflict (tenant_id, metric, day) do update
       set count = c.count + excluded.count,
           amount = c.amount + excluded.amount;
end
$fn$;

alter function core.count_metric(text, bigint, numeric) owner to app_definer;
revoke execute on function core.count_metric(text, bigint, numeric) from public;
grant execute on function core.count_metric(text, bigint, numeric) to app_user;

comment on function core.count_metric(text, bigint, numeric) is
    'Add to a figure of the active tenant for its calendar day; part of the transaction it counts. Each call counts. '
    'Errors: PT400 malformed name, no number, PT401 nobody is signed in, PT403 no tenant named, 22003 the amount outgrew its column.';

-- The row lock is waited for 50 ms, so that a stuck transaction does not stop the requests behind it; then the policy decides.
-- Times come from before the wait; `greatest` keeps them in the order width_bucket needs. A request of the future was counted before the
-- clock was set back: its window begins anew.

create or replace function core.count_request(p_policy text, p_key text)
returns table (allowed boolean, max_requests integer, remaining integer, retry_after integer, reset_at timestamptz)
    language plpgsql volatile
    rows 1
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '50ms'
as $fn$
declare
    v_now    timestamptz := clock_timestamp();
    v_ahead  timestamptz := v_now + interval '1 minute';
    v_policy core.rate_limit_policies;
    v_span   interval;
    v_step   interval;
    v_hits   timestamptz[];
    v_tat    timestamptz;
begin
    select p.* into v_policy from core.rate_limit_policies as p where p.name = p_policy;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no such rate limit policy.', '{"policy": "is not known"}');
    elsif p_key is null then
        perform core.raise_error('PT400', 'bad_request', 'A limit needs a signed-in user, a client address or a key.');
    -- core.rate_limit_key has put before it whose it is: tenant:…:, user:…: or anon:
    elsif length(p_key) > 255 + (case left(p_key, 1) when 't' then 44 when 'u' then 42 else 5 end) then
        perform core.raise_error('PT400', 'bad_request', 'The key of a limit has at most 255 characters.');
    end if;
    max_requests := v_policy.max_requests;
    v_span := v_policy.window_seconds * interval '1 second';
    -- rounded down, so that a whole burst fits into the window
    v_step := trunc(v_policy.window_seconds * 1e6 / v_policy.max_requests) * interval '1 microsecond';

    begin
        if v_policy.algorithm = 'exact' then
            insert into core.rate_limits as r (policy, key, max_requests, next_at, hits, updated_at)
            values (p_policy, p_key, v_policy.max_requests, case when v_policy.max_requests = 1 then v_now + v_span end, array[v_now], v_now)
            on conflict (policy, key) do update
               set (max_requests, next_at, hits, updated_at) = (
                       select v_policy.max_requests,
                              next.hits[cardinality(next.hits) - v_policy.max_requests + 1] + v_span,
                              next.hits,
                              v_now
                         from (select case
                                          when r.updated_at > v_ahead then excluded.hits
                                          else r.hits[width_bucket(v_now - v_span, r.hits) + 1 :]
                                               || greatest(v_now, r.hits[cardinality(r.hits)])
                                      end) as next (hits))
             where (r.next_at > v_now and r.updated_at <= v_ahead) is not true
            returning r.hits into v_hits;
            allowed := found;
            remaining := v_policy.max_requests - cardinality(v_hits);
            reset_at := v_hits[1] + v_span;
        else
            insert into core.rate_limits as r (policy, key, max_requests, next_at, tat, updated_at)
            values (p_policy, p_key, v_policy.max_requests, v_now + 2 * v_step - v_span, v_now + v_step, v_now)
            on conflict (policy, key) do update
               set (max_requests, next_at, tat, updated_at) = (
                       select v_policy.max_requests, next.tat + v_step - v_span, next.tat, v_now
                         from (select case
                                          when r.updated_at > v_ahead then excluded.tat
                                          else greatest(r.tat, v_now) + v_step
                                      end) as next (tat))
             where (r.next_at > v_now and r.updated_at <= v_ahead) is not true
            returning r.tat into v_tat;
            allowed := found;
            remaining := trunc(extract(epoch from v_now + v_span - v_tat) / extract(epoch from v_step));
            reset_at := v_tat;
        end if;
    exception
        when lock_not_available or insufficient_resources then
            return query select * from core.rate_limit_degraded(p_policy, sqlerrm);
            return;
    end;

    retry_after := 0;
    if not allowed then
        -- somebody took the last request meanwhile
        perform nextval('core.rate_limit_refusals');
        select r.next_at into reset_at from core.rate_limits as r where r.policy = p_policy and r.key = p_key;
        remaining := 0;
        retry_after := greatest(1, ceil(extract(epoch from reset_at - v_now)));
    end if;
    return next;
end
$fn$;

alter function core.count_request(text, text) owner to app_definer;
revoke execute on function core.count_request(text, text) from public;

comment on function core.count_request(text, text) is
    'Count a request of a stored key under a policy if it is allowed. Internal: core.rate_limit says whose request it is, and answers '
    'refusals by itself. Each call counts. Errors: PT400 no key or a long one, PT422 no such policy.';

-- A new tenant is complete when this returns: owner, membership in the highest role, subscription to the lowest tier.

create or replace function core.create_tenant(p_system text, p_name text, p_slug text default null) returns core.tenants
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user   uuid := core.require_user();
    v_role   text;
    v_tenant core.tenants;
begin
    if coalesce(btrim(p_name), '') = '' then
        perform core.raise_error('PT422', 'invalid', 'A tenant needs a name.', '{"name": "missing"}');
    end if;
    select r.key into v_role from core.roles as r where r.system = p_system order by r.rank desc, r.key limit 1;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no such system, or its roles were not seeded.', '{"system": "unknown"}');
    end if;

    insert into core.tenants (id, system, name, slug, owner_user_id)
    -- a landlord is the tenant of itself
    values (case when p_system = 'rental' then v_user else gen_random_uuid() end, p_system, btrim(p_name), p_slug, v_user)
    on conflict do nothing
    returning * into v_tenant;
    if not found then
        perform core.raise_error('PT409', 'conflict', 'This name is already taken, or this landlord is registered already.', '{"slug": "taken"}');
    end if;

    insert into core.memberships (tenant_id, user_id, role_key, status, joined_at)
    values (v_tenant.id, v_user, v_role, 'active', now());

    insert into core.subscriptions (tenant_id, system, tier_key, status, trial_ends_at)
    select v_tenant.id,
           st.system,
           st.key,
           case when st.rank = 0 then 'active' else 'trialing' end,
           case when st.rank = 0 then null else now() + interval '30 days' end
      from core.subscription_tiers as st
     where st.system = p_system
     order by st.rank, st.key
     limit 1;
    return v_tenant;
end
$fn$;

alter function core.create_tenant(text, text, text) owner to app_definer;
revoke execute on function core.create_tenant(text, text, text) from public;
grant execute on function core.create_tenant(text, text, text) to app_user;

comment on function core.create_tenant(text, text, text) is
    'Found a tenant owned by the current person, on the free tier of its system or a trial of the lowest; name it in core.set_context to '
    'go on. Not idempotent. Errors: PT401 nobody is signed in, PT409 slug taken, PT422 no name or unknown system.';

-- With a shape every value is checked here, so a cursor that was tampered with is one PT400 and not the cast error of some query.
-- Use: v_after := core.decode_cursor(p_cursor, '{"created_at": "timestamptz", "id": "uuid"}'), then
-- where (t.created_at, t.id) < (coalesce((v_after ->> 'created_at')::timestamptz, 'infinity'), coalesce((v_after ->> 'id')::uuid, …)).

create or replace function core.decode_cursor(p text, p_shape jsonb default null) returns jsonb
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_payload text := translate(substr(p, 4), '-_', '+/');
    v_cursor  jsonb;
    v_field   record;
begin
    if p is null then
        return null;
    end if;

    begin
        if length(p) > 4096 or p !~ '^v1\.[A-Za-z0-9_-]+$' then
            raise invalid_parameter_value;
        end if;
        v_cursor := convert_from(decode(rpad(v_payload, (length(v_payload) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
        if jsonb_typeof(v_cursor) <> 'object' then
            raise invalid_parameter_value;
        end if;

        for v_field in select s.key, s.value from jsonb_each_text(p_shape) as s loop
            if v_cursor ->> v_field.key is null then
                raise invalid_parameter_value;
            end if;
            case v_field.value
                when 'uuid' then perform (v_cursor ->> v_field.key)::uuid;
                when 'timestamptz' then perform (v_cursor ->> v_field.key)::timestamptz;
                when 'date' then perform (v_cursor ->> v_field.key)::date;
                when 'bigint' then perform (v_cursor ->> v_field.key)::bigint;
                when 'numeric' then perform (v_cursor ->> v_field.key)::numeric;
                when 'text' then null;
            end case;
        end loop;
    exception
        -- the whole class 22: bad base64, bad UTF-8, bad JSON, a value of another type
        when data_exception then
            perform core.raise_error('PT400', 'bad_request', 'The cursor is malformed or belongs to another list.',
                                     '{"cursor": "malformed"}');
    end;
    return v_cursor;
end
$fn$;

revoke execute on function core.decode_cursor(text, jsonb) from public;
grant execute on function core.decode_cursor(text, jsonb)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.decode_cursor(text, jsonb) is
    'Sort key of a cursor, null for null. p_shape names the keys it must have and their type: uuid, timestamptz, date, bigint, numeric '
    'or text. Errors: PT400 malformed, or of another shape.';

create or replace function core.decrypt_text(p bytea) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_result text;
begin
    execute format($sql$ select %I.pgp_sym_decrypt($1, $2) $sql$, core.cipher_schema())
       into v_result
      using p, current_setting('app.encryption_key');
    return v_result;
exception
    when external_routine_invocation_exception then
        perform core.raise_error('PT422', 'invalid', 'The value cannot be decrypted with this key.');
end
$fn$;

revoke execute on function core.decrypt_text(bytea) from public;
grant execute on function core.decrypt_text(bytea) to app_user, app_definer;

comment on function core.decrypt_text(bytea) is
    'What core.encrypt_text encrypted with the same app.encryption_key; null for null. Errors: PT422 another key or damaged, PT503 no '
    'pgcrypto, or no app.encryption_key.';

create or replace function core.detach_audit(p_table regclass) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_part     regclass;
    v_event    text;
    v_function regprocedure := (
        select t.tgfoid
          from pg_trigger as t
         where t.tgrelid = p_table
           and t.tgname = '_900_audit_update'
           and not t.tgisinternal);
begin
    for v_part in select t.relid from pg_partition_tree(p_table) as t union select p_table loop
        foreach v_event in array array['insert', 'update', 'delete', 'truncate'] loop
            execute format('drop trigger if exists %I on %s', '_900_audit_' || v_event, v_part);
        end loop;
    end loop;
    if v_function is not null then
        execute format('drop function %s', v_function);
    end if;
end
$fn$;

revoke execute on function core.detach_audit(regclass) from public;

comment on function core.detach_audit(regclass) is
    'Stop recording the changes of a table: the way back of core.attach_audit, for the owner of the table. What was recorded stays. '
    'Idempotent. Errors: 42501 not the owner.';

-- The event is part of the caller's transaction: when that rolls back, there is neither a row nor a notification.

create or replace function core.emit(
    p_channel text, p_event text, p_entity_type text, p_entity_id text, p_payload jsonb default '{}'
) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_id     bigint;
begin
    if p_channel is null or p_channel !~ '^[a-z][a-z0-9_:-]{0,62}$' then
        perform core.raise_error('PT422', 'invalid', 'A channel is named in lower case, with up to 63 letters, digits and _ : -.',
                                 '{"channel": "malformed"}');
    elsif p_event is null or p_event not in ('INSERT', 'UPDATE', 'DELETE', 'CUSTOM') then
        perform core.raise_error('PT422', 'invalid', 'An event is INSERT, UPDATE, DELETE or CUSTOM.', '{"event": "unknown"}');
    elsif p_entity_type is null or p_entity_id is null then
        perform core.raise_error('PT422', 'invalid', 'An event names the kind and the id of what it is about.', '{"entity_id": "missing"}');
    end if;

    perform core.announce_events(v_tenant);
    insert into core.outbox_events (tenant_id, channel, event, entity_type, entity_id, payload)
    values (v_tenant, p_channel, p_event, p_entity_type, p_entity_id, coalesce(p_payload, '{}'))
    returning id into v_id;
    perform core.notify_outbox(v_tenant, p_channel, v_id);
    return v_id;
end
$fn$;

alter function core.emit(text, text, text, text, jsonb) owner to app_definer;
revoke execute on function core.emit(text, text, text, text, jsonb) from public;
grant execute on function core.emit(text, text, text, text, jsonb) to app_user;

comment on function core.emit(text, text, text, text, jsonb) is
    'Tell the listeners of a channel of the active tenant, when this transaction commits. Returns the id of the event; each call is one. '
    'The wake-up on dbkit_outbox gives every login that listens the event''s id, its channel and a digest of the tenant''s id; '
    'what happened is read through row security. '
    'Errors: PT401 nobody is signed in, PT403 no tenant named, PT422 malformed channel, event or entity.';

-- A cursor is the sort key of the last row sent, e.g. {"created_at": …, "id": …}. It is not signed: it only says where to go on
-- reading in rows the caller may see anyway.

create or replace function core.encode_cursor(p jsonb) returns text
    language sql immutable parallel safe
-- encode breaks its lines after 76 characters; base64url has neither lines nor padding
return 'v1.' || translate(encode(convert_to(p::text, 'UTF8'), 'base64'), E'+/=\n', '-_');

revoke execute on function core.encode_cursor(jsonb) from public;
grant execute on function core.encode_cursor(jsonb)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.encode_cursor(jsonb) is
    'Opaque, URL-safe text of a sort key, for core.decode_cursor. Null gives null: no further page. Errors: none.';

-- The key is a setting of the transaction, from the application's own store: a dump or a stolen disk holds ciphertext only.

create or replace function core.encrypt_text(p text) returns bytea
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_result bytea;
begin
    execute format($sql$ select %I.pgp_sym_encrypt($1, $2, 'cipher-algo=aes256') $sql$, core.cipher_schema())
       into v_result
      using p, current_setting('app.encryption_key');
    return v_result;
end
$fn$;

revoke execute on function core.encrypt_text(text) from public;
grant execute on function core.encrypt_text(text) to app_user, app_definer;

comment on function core.encrypt_text(text) is
    'Text encrypted with app.encryption_key (OpenPGP, AES-256), differently with each call; null for null. Errors: PT503 no pgcrypto, or no '
    'app.encryption_key.';

-- In the caller's transaction: the job exists when the business write is committed, and not otherwise.

create or replace function core.enqueue(
    p_job_type text, p_payload jsonb default '{}', p_priority integer default null, p_run_at timestamptz default now(),
    p_dedupe_key text default null, p_queue text default 'default'
) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.active_tenant_id();
    v_user   uuid := core.current_user_id();
begin
    if v_tenant is null or v_user is null then
        -- says which of the two is missing; asked first, it would check the seal twice more
        perform core.require_tenant();
    end if;
    return core.add_job(v_tenant, v_user, p_job_type, p_payload, p_priority, p_run_at, p_dedupe_key, p_queue, false);
end
$fn$;

alter function core.enqueue(text, jsonb, integer, timestamptz, text, text) owner to app_definer;
revoke execute on function core.enqueue(text, jsonb, integer, timestamptz, text, text) from public;
grant execute on function core.enqueue(text, jsonb, integer, timestamptz, text, text) to app_user;

comment on function core.enqueue(text, jsonb, integer, timestamptz, text, text) is
    'Queue a job for the active tenant and return its id. Each call adds one, unless a dedupe key names a pending or processing job of '
    'the tenant: then that one''s id comes back. Errors: PT401 nobody is signed in, PT403 no tenant named or an internal '
    'type, PT422 unknown type or queue, payload without a required key or larger than 100 kB, a time not '
    'between 1970 and 9999, dedupe key over 2,000 bytes, priority beyond 1,000 (in the hint).';

create or replace function core.enqueue_batch(p_jobs jsonb) returns uuid[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_job jsonb;
    v_ids uuid[] := '{}';
begin
    perform core.require_tenant();
    if p_jobs is null or jsonb_typeof(p_jobs) <> 'array' or jsonb_array_length(p_jobs) not between 1 and 10000 then
        perform core.raise_error('PT400', 'bad_request', 'A batch is an array of 1 to 10,000 jobs.');
    end if;
    for v_job in select job.value from jsonb_array_elements(p_jobs) as job
    loop
        if jsonb_typeof(v_job) <> 'object'
           or exists (
               select from jsonb_object_keys(v_job) as key
                where key not in ('job_type', 'payload', 'priority', 'run_at', 'dedupe_key', 'queue')) then
            perform core.raise_error(
                'PT400', 'bad_request', 'A job of a batch is an object with job_type, payload, priority, run_at, dedupe_key and queue only.');
        end if;
        v_ids := v_ids || core.enqueue(
            v_job ->> 'job_type',
            coalesce(v_job -> 'payload', '{}'),
            (v_job ->> 'priority')::integer,
            coalesce((v_job ->> 'run_at')::timestamptz, now()),
            v_job ->> 'dedupe_key',
            coalesce(v_job ->> 'queue', 'default'));
    end loop;
    return v_ids;
end
$fn$;

alter function core.enqueue_batch(jsonb) owner to app_definer;
revoke execute on function core.enqueue_batch(jsonb) from public;
grant execute on function core.enqueue_batch(jsonb) to app_user;

comment on function core.enqueue_batch(jsonb) is
    'Queue jobs of any types for the active tenant, all or none: [{"job_type", "payload", "priority", "run_at", "dedupe_key", "queue"}, …]; '
    'returns their ids in order. Each call adds jobs, but for dedupe keys as in core.enqueue. core.enqueue_many is quicker for many jobs of one '
    'type. Errors: PT400 no array of 1 to 10,000 such objects, 22P02, 22003, 22007 or 22008 a number or time that is none, and those of '
    'core.enqueue.';

-- For code that acts for many tenants or for none: bodies of cron jobs, definer functions. No application role may name a tenant.

create or replace function core.enqueue_for(
    p_tenant uuid, p_job_type text, p_payload jsonb default '{}', p_priority integer default null, p_run_at timestamptz default now(),
    p_dedupe_key text default null, p_queue text default 'default'
) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.add_job(p_tenant, null, p_job_type, p_payload, p_priority, p_run_at, p_dedupe_key, p_queue, true);
end
$fn$;

alter function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text) owner to app_definer;
revoke execute on function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text) from public;

comment on function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text) is
    'Queue a job of any type for a tenant, or for the platform (null), from owner and definer code. Each call adds a job, but for dedupe keys '
    'as in core.enqueue. Errors: PT404 no such tenant, PT422 unknown type or queue, payload without a required key or larger than 100 kB, a '
    'time not between 1970 and 9999, dedupe key over 2,000 bytes (in the hint).';

-- One type, one place, many payloads: what a bulk action needs, for the price of the inserts.

create or replace function core.enqueue_many(
    p_job_type text, p_payloads jsonb[], p_priority integer default null, p_run_at timestamptz default now(), p_queue text default 'default'
) returns uuid[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
as $fn$
declare
    v_tenant   uuid := core.require_tenant();
    v_user     uuid := core.current_user_id();
    v_now      timestamptz := clock_timestamp();
    v_at       timestamptz := case when p_run_at is null or p_run_at = now() then v_now else p_run_at end;
    v_type     core.job_types;
    v_lane     core.queue_lanes;
    v_fair     boolean := (select q.is_fair from core.queues as q where q.name = p_queue);
    v_priority integer;
    v_tag      bigint;
    v_places   bigint[];
    v_wrong    integer;
    v_ids      uuid[];
    -- one random number for the batch: cheaper, and envelopes compress better
    v_base     text := left(core.new_job_id(v_now)::text, 32);
begin
    if p_payloads is null or cardinality(p_payloads) not between 1 and 10000 or array_ndims(p_payloads) <> 1 then
        perform core.raise_error('PT400', 'bad_request', 'A batch has 1 to 10,000 payloads.');
    end if;
    if v_fair is null then
        perform core.raise_error('PT422', 'invalid', 'There is no queue of this name.', '{"queue": "unknown"}');
    end if;
    select t.* into v_type from core.job_types as t where t.job_type = p_job_type;
    select min(job.number)
      into v_wrong
      from unnest(p_payloads) with ordinality as job (payload, number)
     where (jsonb_typeof(job.payload) = 'object' and job.payload ?& v_type.required_keys and pg_column_size(job.payload || '{}') <= 102400
            and core.is_plain_json(job.payload)) is not true;
    if v_wrong is not null or v_type.is_internal then
        perform core.refuse_payload(p_job_type, p_payloads[v_wrong], false);
    end if;
    perform core.refuse_run_at(p_run_at);
    perform core.refuse_priority(p_priority, false);
    v_priority := coalesce(p_priority, v_type.default_priority);
    if v_fair then
        v_priority := sign(v_priority);
    end if;
    v_lane := core.lane_of(p_queue, v_priority);
    perform from core.tenants as t where t.id = v_tenant for key share;

    if v_at > v_now then
        with added as (
            insert into core.jobs_scheduled (
                scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, payload)
            select v_at, v_now, v_lane.id, v_priority, v_type.max_retries, v_type.lease_seconds,
                   (v_base || lpad(to_hex(job.number), 4, '0'))::uuid, v_tenant, v_user, p_job_type, job.payload
              from unnest(p_payloads) with ordinality as job (payload, number)
            returning id)
        select array_agg(added.id) into v_ids from added;
        return v_ids;
    end if;

    v_tag := core.epoch_us(v_at) - 1;
    if v_fair then
        v_places := core.fair_places(v_lane, v_tenant, v_priority, cardinality(p_payloads));
    else
        perform setval(v_lane.mark, v_tag) where v_tag < pg_sequence_last_value(v_lane.mark);
    end if;
    with added as (
        insert into core.jobs_ready (
            tag, scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, payload)
        select coalesce(v_places[job.number], v_tag + job.number), v_at, v_now, v_lane.id, v_priority, v_type.max_retries, v_type.lease_seconds,
               (v_base || lpad(to_hex(job.number), 4, '0'))::uuid, v_tenant, v_user, p_job_type, job.payload
          from unnest(p_payloads) with ordinality as job (payload, number)
        returning id)
    select array_agg(added.id) into v_ids from added;
    perform core.wake_workers(p_queue);
    return v_ids;
end
$fn$;

alter function core.enqueue_many(text, jsonb[], integer, timestamptz, text) owner to app_definer;
revoke execute on function core.enqueue_many(text, jsonb[], integer, timestamptz, text) from public;
grant execute on function core.enqueue_many(text, jsonb[], integer, timestamptz, text) to app_user;

comment on function core.enqueue_many(text, jsonb[], integer, timestamptz, text) is
    'Queue up to 10,000 jobs of one type for the active tenant, all or none, and return their ids in the order of the payloads. Each call '
    'adds them. Errors: PT400 no or too many payloads, PT401 nobody is signed in, PT403 no tenant named or an internal '
    'type, PT422 unknown type or queue, a payload without a required key or larger than 100 kB, a time not between 1970 and 9999, a priority beyond 1,000 (in the hint).';

-- The production seed calls this, and the first context of a database that was never seeded: every database has its own key, and no
-- installation step can be forgotten.

create or replace function core.ensure_context_key() returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if current_setting('transaction_read_only')::boolean then
        perform core.raise_error('PT503', 'unavailable', 'This database has no context key yet, and this transaction cannot make one.',
                                 'Run: select core.ensure_context_key(); on the primary server.');
    end if;
    -- Not a table lock: callers have read the table already and would deadlock on the upgrade.
    perform pg_advisory_xact_lock(hashtextextended('core.context_keys', 0));
    insert into core.context_keys (key)
    select core.random_context_key()
     where not exists (select from core.context_keys as k where k.retired_at is null);
end
$fn$;

alter function core.ensure_context_key() owner to app_definer;
revoke execute on function core.ensure_context_key() from public;

comment on function core.ensure_context_key() is
    'Make the key that seals contexts unless there is a live one. Idempotent. Errors: PT503 the transaction is read-only.';

-- Ahead of time and outside the path of claims. A day that already has rows in the default partition stays there.

create or replace function core.ensure_job_partitions(p_days integer default 7) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    -- who waits for a lock of the parent makes all claims wait behind it
    set lock_timeout = '250ms'
as $fn$
declare
    v_day     date;
    v_parent  text;
    v_name    text;
    v_count   integer := 0;
    -- lz4 takes a tenth of pglz's time, which is a tenth of a claim's; a server may be built without it
    v_has_lz4 boolean := (select 'lz4' = any (s.enumvals) from pg_settings as s where s.name = 'default_toast_compression');
begin
    if not pg_try_advisory_xact_lock(1685874539, 0) then
        return 0;
    end if;
    for v_day, v_parent in
        select (clock_timestamp() at time zone 'UTC')::date + day, parent
          from generate_series(0, p_days) as day cross join unnest(array['job_envelopes', 'jobs_done']) as parent
    loop
        v_name := v_parent || to_char(v_day, '"_"YYYYMMDD');
        continue when to_regclass('core.' || v_name) is not null;
        begin
            continue when v_parent = 'job_envelopes' and exists (
                    select from core.job_envelopes_default as d
                     where d.claimed_at >= v_day::timestamp at time zone 'UTC' and d.claimed_at < (v_day + 1)::timestamp at time zone 'UTC')
                or v_parent = 'jobs_done' and exists (
                    select from core.jobs_done_default as d
                     where d.claimed_at >= v_day::timestamp at time zone 'UTC' and d.claimed_at < (v_day + 1)::timestamp at time zone 'UTC');
            execute format(
                'create table core.%I partition of core.%I for values from (%L) to (%L)',
                v_name, v_parent, v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC');
            execute format('alter table core.%I enable row level security, force row level security', v_name);
            execute format('create policy system_all on core.%I for all to app_owner, app_definer using (true) with check (true)', v_name);
            execute format('comment on policy system_all on core.%I is %L', v_name, 'Owner and definer functions see every row.');
            execute format('comment on table core.%I is %L', v_name, 'One day of core.' || v_parent || '.');
            if v_parent = 'job_envelopes' and v_has_lz4 then
                execute format('alter table core.%I alter column jobs set compression lz4', v_name);
            end if;
            v_count := v_count + 1;
        exception
            -- somebody works there: the next call tries again, and until then there is the default partition
            when lock_not_available then exit;
            when check_violation then null;
        end;
    end loop;
    return v_count;
end
$fn$;

alter function core.ensure_job_partitions(integer) owner to app_definer;
revoke execute on function core.ensure_job_partitions(integer) from public;

comment on function core.ensure_job_partitions(integer) is
    'Make the queue''s day partitions from today to p_days ahead. Returns how many were new. Idempotent, and safe in parallel. Errors: none.';

-- STABLE as extract() is, or it would not be inlined. Since Postgres's own epoch, so that a place in a lane has the very bytes of the time it stands for: an envelope then holds them once.

create or replace function core.epoch_us(p_at timestamptz) returns bigint
    language sql stable parallel safe
return (extract(epoch from p_at) * 1000000)::bigint - 946684800000000;

revoke execute on function core.epoch_us(timestamptz) from public;
grant execute on function core.epoch_us(timestamptz)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.epoch_us(timestamptz) is 'Microseconds since 2000-01-01 UTC. Errors: none.';

-- What may be shown to a caller for any SQLSTATE. The comment of a constraint is its message, so a module words its own violations
-- and nothing of the statement or of other rows gets out.

create or replace function core.error_info(p_sqlstate text, p_constraint text default null)
returns table (http_status integer, key text, message text)
    language plpgsql stable parallel restricted
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    select known.http_status, known.key, known.message
      into http_status, key, message
      from (values
        ('PT400', 400, 'bad_request',      'The request is malformed.'),
        ('PT401', 401, 'unauthenticated',  'Sign in first.'),
        ('PT402', 402, 'upgrade_required', 'The subscription does not include this.'),
        ('PT403', 403, 'forbidden',        'This is not allowed.'),
        ('PT404', 404, 'not_found',        'There is no such record.'),
        ('PT409', 409, 'conflict',         'The record has changed, or does not allow this now.'),
        ('PT410', 410, 'expired',          'This is no longer valid.'),
        ('PT422', 422, 'invalid',          'A value is not acceptable.'),
        ('PT429', 429, 'rate_limited',     'Too many requests; try again later.'),
        ('PT503', 503, 'unavailable',      'The service is not available now.'),
        -- 23503 of a RESTRICT key, from PostgreSQL 18 on
        ('23001', 409, 'conflict',         'A related record is missing or still in use.'),
        ('23502', 422, 'invalid',          'A required value is missing.'),
        ('23503', 409, 'conflict',         'A related record is missing or still in use.'),
        ('23505', 409, 'conflict',         'This already exists.'),
        ('23514', 422, 'invalid',          'A value is not acceptable.'),
        ('23P01', 409, 'conflict',         'This overlaps something that exists.'),
        ('42501', 403, 'forbidden',        'This is not allowed.'),
        ('40001', 503, 'retry',            'Somebody else was faster; try again.'),
        ('40P01', 503, 'retry',            'Somebody else was faster; try again.'),
        ('55P03', 503, 'retry',            'The record is busy; try again.'),
        ('57014', 503, 'unavailable',      'This took too long.')
      ) as known (code, http_status, key, message)
     where known.code = p_sqlstate;

    if not found then
        select known.http_status, known.key, known.message
          into http_status, key, message
          from (values
            ('22', 400, 'bad_request', 'The request is malformed.'),
            ('53', 503, 'unavailable', 'The service is not available now.'),
            ('08', 503, 'unavailable', 'The service is not available now.')
          ) as known (class, http_status, key, message)
         where known.class = left(p_sqlstate, 2);
    end if;
    if not found then
        http_status := 500;
        key := 'internal';
        message := 'Something went wrong.';
    end if;

    if left(p_sqlstate, 2) = '23' and p_constraint is not null then
        message := coalesce(core.constraint_message(p_constraint), message);
    end if;
    return next;
end
$fn$;

revoke execute on function core.error_info(text, text) from public;
grant execute on function core.error_info(text, text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.error_info(text, text) is
    'HTTP status, stable key and a message fit for the caller for a SQLSTATE; a violated constraint that has a comment speaks with it. '
    'An unknown code is 500 internal. Errors: none.';

create or replace function core.escape_html(p text) returns text
    language sql immutable parallel safe
return replace(replace(replace(replace(replace(p, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');

revoke execute on function core.escape_html(text) from public;
grant execute on function core.escape_html(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.escape_html(text) is
    'Text as HTML that shows it, in an element or in a quoted attribute; null for null. Errors: none.';

-- One rule that fails does not silence the others: its error is kept beside it. No data changes nothing: an alert is not resolved by silence.

create or replace function core.evaluate_alerts(p_rule text default null) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_now    timestamptz;
    v_rule   core.alert_rules;
    v_open   core.alerts;
    v_value  double precision;
    v_error  text;
    v_is_bad boolean;
    v_fired  integer := 0;
begin
    -- Two evaluations go one after the other; the second finds the rules asked already.
    perform pg_advisory_xact_lock(hashtextextended('core.evaluate_alerts', 0));
    v_now := clock_timestamp();

    for v_rule in
        select *
          from core.alert_rules as r
         where r.is_enabled
           and (r.name = p_rule
                or p_rule is null
                -- half a minute of grace: a schedule is never to the second
                and coalesce(r.checked_at, '-infinity') <= v_now - make_interval(mins => r.every_minutes) + interval '30 seconds')
         order by r.name
    loop
        v_value := null;
        v_error := null;
        begin
            if to_regproc(v_rule.probe) is null then
                v_error := 'there is no probe ' || v_rule.probe;
            else
                execute format('select %s($1, $2)', v_rule.probe::regproc) into v_value using v_rule.window_minutes, v_rule.argument;
            end if;

            select * into v_open from core.alerts as a where a.rule = v_rule.name and a.state <> 'resolved' for update;
            v_is_bad := case v_rule.comparator
                            when '>' then v_value > v_rule.threshold
                            when '>=' then v_value >= v_rule.threshold
                            when '<' then v_value < v_rule.threshold
                            else v_value <= v_rule.threshold
                        end;
            if v_is_bad and v_open.id is null then
                insert into core.alerts (rule, value, message, first_seen_at)
                values (
                    v_rule.name, v_value,
                    format('%s (%s %s %s)', v_rule.description, round(v_value::numeric, 1), v_rule.comparator, v_rule.threshold),
                    v_now)
                returning * into v_open;
            elsif v_is_bad then
                update core.alerts as a set value = v_value where a.id = v_open.id;
            elsif not v_is_bad and v_open.state = 'pending' then
                delete from core.alerts as a where a.id = v_open.id;
            elsif not v_is_bad and v_open.state = 'firing' then
                update core.alerts as a set state = 'resolved', resolved_at = v_now where a.id = v_open.id;
            end if;

            if v_is_bad and v_open.state = 'pending' and v_open.first_seen_at <= v_now - make_interval(mins => v_rule.for_minutes) then
                update core.alerts as a set state = 'firing', fired_at = v_now where a.id = v_open.id;
                perform core.send_alert(v_rule.name, v_open.message);
                v_fired := v_fired + 1;
            end if;
        exception
            when others then
                v_error := sqlstate || ' ' || sqlerrm;
        end;
        update core.alert_rules as r
           set checked_at = v_now,
               last_value = v_value,
               last_error = left(v_error, 500)
         where r.name = v_rule.name;
    end loop;
    return v_fired;
end
$fn$;

alter function core.evaluate_alerts(text) owner to app_definer;
revoke execute on function core.evaluate_alerts(text) from public;

comment on function core.evaluate_alerts(text) is
    'Ask the probe of every rule that is due, or of one rule now, and move its alert: pending, firing once the condition held '
    'for_minutes (a send_alert job is queued, once), resolved. The cron job evaluate-alerts. Returns the alerts that began to fire. '
    'Idempotent. Errors: none; a probe that fails is named in core.alert_rules.last_error.';

create or replace function core.fail_jobs(p_lease core.job_leases, p_failed jsonb) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    with failure as materialized (
        select job.*,
               left(coalesce(nullif(input.error, ''), 'no reason given'), 10000) as reason,
               coalesce(input.retryable, true) and job.retry_count < job.max_retries as is_tried_again,
               input.retry_after
          from jsonb_to_recordset(p_failed) as input (id uuid, error text, retryable boolean, retry_after double precision)
          join core.job_envelopes as e on e.id = p_lease.id and e.claimed_at = p_lease.claimed_at
         cross join unnest(e.jobs) as job
         where job.id = input.id
           -- a tenant that is gone took its jobs along
           and (job.tenant_id is null or exists (select from core.tenants as t where t.id = job.tenant_id for key share))
    ), again as (
        insert into core.jobs_scheduled (
            scheduled_at, created_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by, job_type,
            dedupe_key, error_message, payload)
        select clock_timestamp()
                   -- greatest() passes over a null, and no word about the time means the backoff
                   + case when f.retry_after is null then core.job_backoff(f.job_type, f.retry_count + 1)
                          else make_interval(secs => least(greatest(f.retry_after, 0), 31536000)) end,
               f.created_at, f.lane_id, f.priority, f.retry_count + 1, f.max_retries, f.lease_seconds, f.id, f.tenant_id, f.created_by,
               f.job_type, f.dedupe_key, f.reason, f.payload
          from failure as f
         where f.is_tried_again
    ), dead as (
        insert into core.jobs_dead (
            scheduled_at, created_at, started_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by,
            status, job_type, dedupe_key, worker, error_message, payload)
        select f.scheduled_at, f.created_at, p_lease.claimed_at, f.lane_id, f.priority, f.retry_count, f.max_retries, f.lease_seconds, f.id,
               f.tenant_id, f.created_by, 'failed', f.job_type, f.dedupe_key, p_lease.worker, f.reason, f.payload
          from failure as f
         where not f.is_tried_again
    )
    delete from core.job_keys as k
     where p_lease.has_keys
       and k.job_id = any (array(select f.id from failure as f where not f.is_tried_again));
end
$fn$;

alter function core.fail_jobs(core.job_leases, jsonb) owner to app_definer;
revoke execute on function core.fail_jobs(core.job_leases, jsonb) from public;

comment on function core.fail_jobs(core.job_leases, jsonb) is
    'Schedule failed jobs of a lease again, or bury them: [{"id", "error", "retryable", "retry_after"}, …]. Errors: 22P02, 22023 malformed '
    'failures.';

-- Where the next jobs of a tenant stand in a queue that serves tenants by turns: a turn apart, behind its own jobs of the same or a
-- higher priority, and not before the turn that is being served. A tenant with 100,000 jobs waiting thus stands behind one with five;
-- this costs probes of an index here and nothing at the claim, where a fair lane is read in order as any other.
-- A job that goes before others of its tenant takes over one of their places (core.make_room): standing beside them, a tenant that
-- mixes priorities would have as many jobs in a turn as priorities.
-- The probes ask for a range of one priority and order by it: equality would let the index by lane and place give the order as well, and
-- that one is read through all other jobs of the lane.

create or replace function core.fair_places(p_lane core.queue_lanes, p_tenant uuid, p_priority integer, p_count integer default 1)
returns bigint[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
    set plan_cache_mode = force_generic_plan
as $fn$
declare
    v_turn   bigint := greatest(coalesce(pg_sequence_last_value(p_lane.mark), 0), 0);
    v_step   bigint := core.fair_turn(p_tenant);
    v_line   record;
    v_own    bigint;
    v_first  bigint;
    v_free   integer := p_count;
    v_places bigint[];
begin
    select max(line.tag) filter (where level >= p_priority) as own, max(line.tag) filter (where level < p_priority) as below
      into v_line
      from generate_series(-1, 1) as level
     cross join lateral (
        -- the platform stands in line as one more tenant
        (select r.tag
           from core.jobs_ready as r
          where r.tenant_id = p_tenant and r.lane_id = p_lane.id and r.priority between level and level and r.tag > v_turn
          order by r.tenant_id desc, r.priority desc, r.tag desc
          limit 1)
         union all
        (select r.tag
           from core.jobs_ready as r
          where p_tenant is null and r.tenant_id is null and r.lane_id = p_lane.id and r.priority between level and level and r.tag > v_turn
          order by r.tenant_id desc, r.priority desc, r.tag desc
          limit 1)) as line;
    v_own := greatest(v_turn, v_line.own);
    -- Where a row that was changed meanwhile is an error, nobody is moved: that error would be the caller's. A tenant being deleted takes
    -- its jobs along, and must not miss one on the move.
    if v_line.below > v_own
       and current_setting('transaction_isolation') = 'read committed'
       and exists (select from core.tenants as t where t.id = p_tenant for key share skip locked)
    then
        select min(line.tag)
          into v_first
          from generate_series(-1, p_priority - 1) as level
         cross join lateral (
            select r.tag
              from core.jobs_ready as r
             where r.tenant_id = p_tenant and r.lane_id = p_lane.id and r.priority between level and level and r.tag > v_own
             order by r.priority, r.tag
             limit 1) as line;
        v_free := least(greatest((v_first - v_own) / v_step - 1, 0), p_count);
    end if;
    v_places := array(select v_own + job * v_step from generate_series(1, v_free) as job);
    if v_free < p_count then
        v_places := v_places || core.make_room(p_lane, p_tenant, p_priority, p_count - v_free, v_own, null, v_own + v_free * v_step);
    end if;
    return v_places;
end
$fn$;

alter function core.fair_places(core.queue_lanes, uuid, integer, integer) owner to app_definer;
revoke execute on function core.fair_places(core.queue_lanes, uuid, integer, integer) from public;

comment on function core.fair_places(core.queue_lanes, uuid, integer, integer) is
    'The places of the next p_count jobs of a tenant in a fair lane, in order; jobs of its own with a lower priority make room. Not '
    'idempotent. Errors: none.';

-- A turn in units of a tag; a tenant with weight 2 takes half as much of the line for a job.

create or replace function core.fair_turn(p_tenant uuid) returns bigint
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return coalesce((select ceil(1048576 / w.weight)::bigint from core.queue_weights as w where w.tenant_id = p_tenant), 1048576);
end
$fn$;

alter function core.fair_turn(uuid) owner to app_definer;
revoke execute on function core.fair_turn(uuid) from public;

comment on function core.fair_turn(uuid) is 'How far apart the jobs of a tenant stand in a fair lane. Errors: none.';

-- The outcome of a backup is said once: a later word would hide a failure.

create or replace function core.finish_backup(p_id bigint, p_ok boolean, p_size_bytes bigint default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_ok is null or p_size_bytes < 0 then
        perform core.raise_error('PT422', 'invalid', 'A backup ends well or not, with a size that is not negative.');
    end if;
    update core.backup_runs as b
       set ok = p_ok, size_bytes = p_size_bytes, finished_at = clock_timestamp()
     where b.id = p_id and b.finished_at is null;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'No backup of that id is running.');
    end if;
end
$fn$;

alter function core.finish_backup(bigint, boolean, bigint) owner to app_definer;
revoke execute on function core.finish_backup(bigint, boolean, bigint) from public;
grant execute on function core.finish_backup(bigint, boolean, bigint) to dbkit_backup, app_owner;

comment on function core.finish_backup(bigint, boolean, bigint) is
    'Record how a backup ended. Works once per backup. Errors: PT404 none of that id is running, PT422 no outcome, or a negative size.';

create or replace function core.from_epoch_us(p_us bigint) returns timestamptz
    language sql immutable parallel safe
return to_timestamp(p_us::double precision / 1000000 + 946684800);

revoke execute on function core.from_epoch_us(bigint) from public;
grant execute on function core.from_epoch_us(bigint) to app_definer;

comment on function core.from_epoch_us(bigint) is 'The time that core.epoch_us counts so many microseconds for. Errors: none.';

create or replace function core.get_metrics_today() returns table (metric text, count bigint, amount numeric)
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    return query
        select c.metric, c.count, c.amount
          from core.daily_counters as c
         where c.tenant_id = v_tenant
           and c.day = core.tenant_today(v_tenant)
         order by c.metric;
end
$fn$;

alter function core.get_metrics_today() owner to app_definer;
revoke execute on function core.get_metrics_today() from public;
grant execute on function core.get_metrics_today() to app_user, app_readonly;

comment on function core.get_metrics_today() is
    'The figures of the active tenant since its own midnight; a figure nobody counted today has no row. '
    'Errors: PT401 nobody is signed in, PT403 no tenant named.';

-- What a partition does not get from its parent: row security, a policy, the revokes and statement triggers.

create or replace function core.guard_audit_partition(p_partition regclass) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    execute format(
        $sql$
        alter table %1$s enable row level security, force row level security;
        create policy system_all on %1$s for all to app_owner, app_definer using (true) with check (true);
        comment on policy system_all on %1$s is 'Owner and definer functions see every row.';
        revoke update, delete, truncate on %1$s from app_owner, app_definer;
        create trigger _000_no_truncate before truncate on %1$s for each statement execute function core.tg_no_truncate();
        $sql$,
        p_partition);
end
$fn$;

revoke execute on function core.guard_audit_partition(regclass) from public;

comment on function core.guard_audit_partition(regclass) is
    'Guard a new partition of the audit log like the one in its guard sheet. Internal. Not idempotent. Errors: 42710 it is guarded already.';

-- What was paid for is kept to its end; what was not paid is given some time.

create or replace function core.has_feature(p_feature text) returns boolean
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return exists (
        select
          from core.subscriptions as s
          join core.tier_features as tf on tf.system = s.system and tf.tier_key = s.tier_key
         where s.tenant_id = core.active_tenant_id()
           and tf.feature_key = p_feature
           and case s.status
                   when 'active' then true
                   when 'past_due' then true
                   when 'trialing' then coalesce(s.trial_ends_at > now(), false)
                   when 'canceled' then coalesce(s.current_period_end > now(), false)
                   else false
               end);
end
$fn$;

alter function core.has_feature(text) owner to app_definer;
revoke execute on function core.has_feature(text) from public;
grant execute on function core.has_feature(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.has_feature(text) is
    'Whether the active tenant''s subscription includes a feature now: a trial until it ends, a canceled one to the end of its period, '
    'past due as long as payment is chased. False without context or subscription. Errors: none.';

-- Reads the membership again, so that a role changed or suspended by a running transaction counts in its next statement.

create or replace function core.has_permission(p_permission text) returns boolean
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return exists (
        select
          from core.memberships as m
          join core.tenants as t on t.id = m.tenant_id
          join core.role_permissions as rp on rp.system = t.system and rp.role_key = m.role_key
         where m.tenant_id = core.active_tenant_id()
           and m.user_id = core.current_user_id()
           and m.status = 'active'
           and rp.permission_key = p_permission);
end
$fn$;

alter function core.has_permission(text) owner to app_definer;
revoke execute on function core.has_permission(text) from public;
grant execute on function core.has_permission(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.has_permission(text) is
    'Whether the current person''s role in the active tenant carries a permission; false without context. Errors: none.';

-- core.job_queue: jobs as one table. The physical tables hold batches of many tenants and are closed, so the view reads them as its owner
-- and says itself who sees what: a member with jobs_queue.view the jobs of the active tenant, the platform's own roles all of them.

-- dbkit: allow view_bypasses_rls because the tables behind it are closed and the view's own conditions decide
create view core.job_queue with (security_barrier) as
select j.id, j.tenant_id, j.queue, j.job_type, j.payload, j.status, j.priority, j.retry_count, j.max_retries, j.scheduled_at, j.started_at,
       j.completed_at, j.failed_at, j.error_message, j.created_at, j.locked_by, j.lease_expires_at, j.dedupe_key, j.result, j.created_by
  from core.all_jobs as j
 where j.tenant_id = (select core.active_tenant_id())
   and (select core.has_permission('jobs_queue.view'))
   and not (select core.sees_all_jobs())
 union all
select j.id, j.tenant_id, j.queue, j.job_type, j.payload, j.status, j.priority, j.retry_count, j.max_retries, j.scheduled_at, j.started_at,
       j.completed_at, j.failed_at, j.error_message, j.created_at, j.locked_by, j.lease_expires_at, j.dedupe_key, j.result, j.created_by
  from core.all_jobs as j
 where (select core.sees_all_jobs())
   -- jobs of a deleted tenant stay in their envelopes until the day's partition goes
   and (j.tenant_id is null or exists (select from core.tenants as t where t.id = j.tenant_id));

comment on view core.job_queue is
    'Jobs with their state: those of the active tenant for members with jobs_queue.view, all for platform administrators. '
    'Finished jobs are kept for 30 days (core.purge_jobs).';
comment on column core.job_queue.status is 'pending, processing, completed, failed or cancelled.';
comment on column core.job_queue.error_message is 'Why the last attempt failed.';

create or replace function core.cancel_job(p_job_id uuid) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_permission('jobs_queue.manage');
    return core.change_job(p_job_id, 'cancelled', core.active_tenant_id(), false);
end
$fn$;

alter function core.cancel_job(uuid) owner to app_definer;
revoke execute on function core.cancel_job(uuid) from public;
grant execute on function core.cancel_job(uuid) to app_user;

comment on function core.cancel_job(uuid) is
    'Cancel a job that waits or runs. The worker of a running one learns it at its next heartbeat, and what it reports is refused. Returns '
    'the job. Not idempotent: the second call is refused. Errors: PT401 nobody is signed in, PT403 no tenant named or permission '
    'jobs_queue.manage missing, PT404 no such job in the tenant, PT409 the job has ended.';

-- The halves of core.cancel_job and core.retry_job that need rights on the tables. Who may, the callers have decided: p_tenant is the only
-- tenant whose job it may be, null any.

create or replace function core.change_job(p_job_id uuid, p_status text, p_tenant uuid, p_is_any boolean) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_now    timestamptz := clock_timestamp();
    v_job    core.job_queue;
    v_lease  core.job_leases;
    v_found  boolean;
begin
    -- A job that goes from one table to another while this waits for it is in neither to begin with: look again.
    for v_look in 1..5 loop
        if p_status = 'cancelled' then
            with gone as (
                delete from core.jobs_ready as r where r.id = p_job_id and (p_is_any or r.tenant_id = p_tenant)
             returning r.scheduled_at, r.created_at, r.lane_id, r.priority, r.retry_count, r.max_retries, r.lease_seconds, r.id, r.tenant_id,
                       r.created_by, r.job_type, r.dedupe_key, r.error_message, r.payload
            ), waiting as (
                delete from core.jobs_scheduled as s where s.id = p_job_id and (p_is_any or s.tenant_id = p_tenant)
             returning s.scheduled_at, s.created_at, s.lane_id, s.priority, s.retry_count, s.max_retries, s.lease_seconds, s.id, s.tenant_id,
                       s.created_by, s.job_type, s.dedupe_key, s.error_message, s.payload
            )
            insert into core.jobs_dead (
                scheduled_at, created_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by, job_type, dedupe_key,
                error_message, payload, status)
            select g.scheduled_at, g.created_at, g.lane_id, g.priority, g.retry_count, g.max_retries, g.lease_seconds, g.id, g.tenant_id,
                   g.created_by, g.job_type, g.dedupe_key, g.error_message, g.payload, 'cancelled'
              from gone as g
             union all
            select w.scheduled_at, w.created_at, w.lane_id, w.priority, w.retry_count, w.max_retries, w.lease_seconds, w.id, w.tenant_id,
                   w.created_by, w.job_type, w.dedupe_key, w.error_message, w.payload, 'cancelled'
              from waiting as w;
            v_found := found;
            if not v_found then
                -- A running job leaves its lease, so that whatever its worker reports of it is refused; the others of the batch go on.
                select l.*
                  into v_lease
                  from core.job_leases as l
                  join core.job_envelopes as e on e.id = l.id and e.claimed_at = l.claimed_at
                 where p_job_id <> all (coalesce(l.settled, '{}'))
                   and exists (select from unnest(e.jobs) as job where job.id = p_job_id and (p_is_any or job.tenant_id = p_tenant))
                   for update of l;
                v_found := found;
                insert into core.jobs_dead (
                    scheduled_at, created_at, started_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by,
                    job_type, dedupe_key, worker, error_message, payload, status)
                select job.scheduled_at, job.created_at, e.claimed_at, job.lane_id, job.priority, job.retry_count, job.max_retries,
                       job.lease_seconds, job.id, job.tenant_id, job.created_by, job.job_type, job.dedupe_key, v_lease.worker, job.error_message,
                       job.payload, 'cancelled'
                  from core.job_envelopes as e
                 cross join unnest(e.jobs) as job
                 where e.id = v_lease.id
                   and e.claimed_at = v_lease.claimed_at
                   and job.id = p_job_id
                   -- a tenant that is gone took its jobs along
                   and (job.tenant_id is null or exists (select from core.tenants as t where t.id = job.tenant_id for key share));
                delete from core.job_leases as l where l.id = v_lease.id and l.open_count = 1;
                update core.job_leases as l
                   set open_count = l.open_count - 1,
                       settled = coalesce(l.settled, '{}') || p_job_id,
                       cancelled = coalesce(l.cancelled, '{}') || p_job_id
                 where l.id = v_lease.id and l.open_count > 1;
            end if;
            delete from core.job_keys as k where v_found and k.job_id = p_job_id;
        else
            -- the key has to be free again, and the number of retries begins anew
            with gone as (
                delete from core.jobs_dead as x where x.id = p_job_id and (p_is_any or x.tenant_id = p_tenant) returning x.*
            ), key as (
                insert into core.job_keys (job_id, tenant_id, job_type, dedupe_key)
                select g.id, g.tenant_id, g.job_type, g.dedupe_key from gone as g where g.dedupe_key is not null
            )
            insert into core.jobs_ready (
                tag, scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, dedupe_key,
                error_message, payload)
            select case when q.is_fair then (core.fair_places(l, g.tenant_id, g.priority))[1] else core.epoch_us(v_now) end,
                   v_now, g.created_at, g.lane_id, g.priority, g.max_retries, g.lease_seconds, g.id, g.tenant_id, g.created_by,
                   g.job_type, g.dedupe_key, g.error_message, g.payload
              from gone as g
              join core.queue_lanes as l on l.id = g.lane_id
              join core.queues as q on q.name = l.queue;
            v_found := found;
        end if;
        exit when v_found;
        select j.* into v_job from core.all_jobs as j where j.id = p_job_id and (p_is_any or j.tenant_id = p_tenant) limit 1;
        if not found then
            perform core.raise_error('PT404', 'not_found', 'There is no such job.');
        end if;
        exit when v_job.status <> all (case p_status when 'cancelled' then '{pending,processing}' else '{failed,cancelled}' end::text[]);
    end loop;
    if not v_found then
        perform core.raise_error(
            'PT409', 'conflict', 'The job is not in a state in which this can be done.', jsonb_build_object('status', v_job.status)::text);
    end if;
    select j.* into v_job from core.all_jobs as j where j.id = p_job_id and j.status in ('pending', 'cancelled');
    if p_status = 'pending' then
        -- the clock may have been set back since the mark was
        perform setval(l.mark, r.tag)
           from core.jobs_ready as r
           join core.queue_lanes as l on l.id = r.lane_id
          where r.id = p_job_id
            and r.tag < pg_sequence_last_value(l.mark);
        perform core.wake_workers(v_job.queue);
    end if;
    return v_job;
exception
    when unique_violation then
        perform core.raise_error('PT409', 'conflict', 'Another job holds the dedupe key by now.', '{"dedupe_key": "in use"}');
end
$fn$;

alter function core.change_job(uuid, text, uuid, boolean) owner to app_definer;
revoke execute on function core.change_job(uuid, text, uuid, boolean) from public;

comment on function core.change_job(uuid, text, uuid, boolean) is
    'Cancel a pending or running job, or make a dead one pending again. Errors: PT404 no such job, PT409 the job is in another state or its dedupe key '
    'is in use.';

create or replace function core.fail_job(
    p_job_id uuid, p_worker text, p_error text, p_retryable boolean default true, p_retry_after double precision default null
) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_job core.job_queue;
begin
    perform core.settle_lease(
        core.lease_of(p_job_id, p_worker), '{}',
        jsonb_build_array(jsonb_build_object('id', p_job_id, 'error', p_error, 'retryable', p_retryable, 'retry_after', p_retry_after)), null);
    select j.* into v_job from core.all_jobs as j where j.id = p_job_id and j.status in ('pending', 'failed');
    return v_job;
end
$fn$;

alter function core.fail_job(uuid, text, text, boolean, double precision) owner to app_definer;
revoke execute on function core.fail_job(uuid, text, text, boolean, double precision) from public;
grant execute on function core.fail_job(uuid, text, text, boolean, double precision) to app_worker;

comment on function core.fail_job(uuid, text, text, boolean, double precision) is
    'Fail one job a worker holds: tried again after the backoff of its type (or p_retry_after seconds) while retries are left, else and '
    'when not retryable failed for good. Returns the job. Not idempotent: the second call is refused. Errors: PT409 the worker does not '
    'hold the job.';

-- As the caller: core.job_queue decides what is visible. The id says when the job was made, and it cannot have been claimed before.

create or replace function core.find_job(p_job_id uuid) returns setof core.job_queue
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return query
        select j.*
          from core.job_queue as j
         where j.id = p_job_id
           and (j.started_at is null
                or j.started_at >= to_timestamp(('x' || substr(replace(p_job_id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) - interval '1 second')
         order by j.created_at
         limit 1;
end
$fn$;

revoke execute on function core.find_job(uuid) from public;
grant execute on function core.find_job(uuid) to app_user, app_readonly, app_platform_admin;

comment on function core.find_job(uuid) is 'A job by its id, as core.job_queue shows it to the caller; no row when there is none. Errors: none.';

-- Reads the membership again, so that a role changed or suspended by a running transaction counts in its next statement.

create or replace function core.has_role(p_min_role text) returns boolean
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return exists (
        select
          from core.memberships as m
          join core.tenants as t on t.id = m.tenant_id
          join core.roles as own on own.system = t.system and own.key = m.role_key
          join core.roles as asked on asked.system = t.system and asked.key = p_min_role
         where m.tenant_id = core.active_tenant_id()
           and m.user_id = core.current_user_id()
           and m.status = 'active'
           and own.rank >= asked.rank);
end
$fn$;

alter function core.has_role(text) owner to app_definer;
revoke execute on function core.has_role(text) from public;
grant execute on function core.has_role(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.has_role(text) is
    'Whether the current person''s role in the active tenant ranks at least as high as a role of the same system; false without context '
    'and for a role the system does not have. Errors: none.';

-- For a load balancer: a few index look-ups and counters, no business table, nothing that grows with the data. Whoever asks learns the
-- state of each service and no more.

create or replace function core.health_check() returns jsonb
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_late     constant interval := '5 minutes';
    v_services jsonb := '{"database": "healthy"}';
    v_service  text;
    v_is_well  boolean;
    v_is_down  boolean;
begin
    foreach v_service in array array['queue', 'cache', 'cron', 'migrations'] loop
        v_is_well := false;
        begin
            case v_service
                when 'queue' then
                    -- a lease that ran out and nobody took back: its worker died and no other lives
                    v_is_well := not exists (
                        select from core.job_leases as l where l.lease_until < clock_timestamp() - c_late);
                when 'cache' then
                    -- unlogged, so a replica has none to ask
                    if not pg_is_in_recovery() then
                        perform from core.cache_entries as e limit 1;
                    end if;
                    v_is_well := true;
                when 'cron' then
                    -- something runs each minute, so silence means that the scheduler is gone
                    v_is_well := coalesce(
                        (select r.started_at > clock_timestamp() - c_late from core.cron_runs as r order by r.id desc limit 1), false);
                when 'migrations' then
                    v_is_well := not exists (select from dbkit.migrations as m where m.state in ('partial', 'reverting'));
            end case;
        exception
            -- a service that cannot be asked is not well, and that is the answer
            when others then v_is_well := false;
        end;
        v_services := v_services || jsonb_build_object(v_service, case when v_is_well then 'healthy' else 'unhealthy' end);
    end loop;

    v_is_down := exists (select from jsonb_each_text(v_services) as service where service.value <> 'healthy');
    return jsonb_build_object(
        'status', case when v_is_down then 'degraded' else 'healthy' end,
        'code', case when v_is_down then 503 else 200 end,
        'timestamp', clock_timestamp(),
        'services', v_services);
end
$fn$;

alter function core.health_check() owner to app_definer;
revoke execute on function core.health_check() from public;
grant execute on function core.health_check()
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, dbkit_backup;

comment on function core.health_check() is
    'Whether the installation works: {status: healthy or degraded, code: 200 or 503, timestamp, services: {database, queue, cache, cron, '
    'migrations}}. One service that is not healthy degrades the whole. Reads only. Errors: none.';

create or replace function core.heartbeat(p_leases bigint[]) returns table (
    lease_id bigint, is_held boolean, seconds_left double precision, cancelled uuid[]
)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return query
        with held as materialized (
            -- in one order, so that two calls cannot wait for each other
            select l.id from core.job_leases as l where l.id = any (p_leases) order by l.id for update
        ), extended as (
            update core.job_leases as l
               set lease_until = clock_timestamp() + make_interval(secs => l.lease_seconds)
              from held
             where l.id = held.id
         returning l.id, l.lease_seconds, l.cancelled
        )
        select asked.id,
               e.id is not null,
               coalesce(e.lease_seconds, 0)::double precision,
               -- a lease that is held knows, also of jobs queued again meanwhile; of one that is gone it shows in what became of them
               case when e.id is null then array(
                   select dead.id
                     from core.job_envelopes as batch
                    cross join unnest(batch.jobs) as job
                     join core.jobs_dead as dead on dead.id = job.id and dead.status = 'cancelled'
                    where batch.id = asked.id)
               else coalesce(e.cancelled, '{}') end
          from unnest(p_leases) as asked (id)
          left join extended as e on e.id = asked.id;
end
$fn$;

alter function core.heartbeat(bigint[]) owner to app_definer;
revoke execute on function core.heartbeat(bigint[]) from public;
grant execute on function core.heartbeat(bigint[]) to app_worker;

comment on function core.heartbeat(bigint[]) is
    'Extend leases from now on; answers for each whether it is still held (if not, stop: another worker may have the jobs), for how '
    'many seconds, and which of its jobs were cancelled meanwhile (stop them: a report of theirs is refused). Repeating it extends again. '
    'Errors: none.';

create or replace function core.heartbeat_job(p_job_id uuid, p_worker text) returns timestamptz
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_until timestamptz;
begin
    update core.job_leases as l
       set lease_until = clock_timestamp() + make_interval(secs => l.lease_seconds)
     where l.id = core.lease_of(p_job_id, p_worker)
    returning l.lease_until into v_until;
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The worker does not hold this job any more.', jsonb_build_object('id', p_job_id)::text);
    end if;
    return v_until;
end
$fn$;

alter function core.heartbeat_job(uuid, text) owner to app_definer;
revoke execute on function core.heartbeat_job(uuid, text) from public;
grant execute on function core.heartbeat_job(uuid, text) to app_worker;

comment on function core.heartbeat_job(uuid, text) is
    'Extend the lease of a job (and of those claimed with it) and return until when. Repeating it extends again. '
    'Errors: PT409 the worker does not hold the job.';

-- A replay only reads. Otherwise the insert decides: a concurrent first caller makes it wait for that transaction's end, so when both begin
-- and finish in one transaction, the second sees the response, or does the work because the first was undone.

create or replace function core.idempotency_claim(p_scope text, p_key text, p_request jsonb, p_lease interval default '1 minute')
returns table (outcome text, response jsonb, attempt integer, retry_after integer)
    language plpgsql volatile
    security definer
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_hash   text := encode(sha256(convert_to(coalesce(p_request, 'null')::text, 'UTF8')), 'hex');
    v_row    core.idempotency_keys;
begin
    if p_scope is null or p_scope !~ '^[a-z][a-z0-9_.:]{0,62}$' or p_key is null or length(p_key) not between 1 and 255
       or p_lease is null or p_lease <= interval '0' or p_lease > interval '1 day' then
        perform core.raise_error('PT400', 'bad_request', 'A scope in snake_case, a key of 1 to 255 characters and a lease of at most a day are needed.');
    end if;

    loop
        select k.*
          into v_row
          from core.idempotency_keys as k
         where k.tenant_id = v_tenant
           and k.scope = p_scope
           and k.idempotency_key = p_key
           and k.expires_at > clock_timestamp();

        if not found or v_row.response is null then
            insert into core.idempotency_keys as k (tenant_id, scope, idempotency_key, request_hash, lease_until)
            values (v_tenant, p_scope, p_key, v_hash, clock_timestamp() + p_lease)
            on conflict (tenant_id, scope, idempotency_key) do update
               set request_hash = excluded.request_hash,
                   response = null,
                   attempt = k.attempt + 1,
                   lease_until = clock_timestamp() + p_lease,
                   created_at = excluded.created_at,
                   expires_at = excluded.expires_at
             where k.expires_at <= clock_timestamp()
                or (k.response is null and k.lease_until <= clock_timestamp() and k.request_hash = excluded.request_hash)
            returning k.attempt into attempt;
            if found then
                outcome := 'new';
                exit;
            end if;
            select k.*
              into v_row
              from core.idempotency_keys as k
             where k.tenant_id = v_tenant
               and k.scope = p_scope
               and k.idempotency_key = p_key;
            -- purged or given up this very moment: it is new after all
            continue when not found;
        end if;

        if v_row.request_hash <> v_hash then
            outcome := 'mismatch';
        elsif v_row.response is not null then
            outcome := 'replay';
            response := v_row.response;
        else
            outcome := 'in_progress';
            retry_after := greatest(1, ceil(extract(epoch from v_row.lease_until - clock_timestamp())));
        end if;
        attempt := v_row.attempt;
        exit;
    end loop;
    return next;
end
$fn$;

alter function core.idempotency_claim(text, text, jsonb, interval) owner to app_definer;
revoke execute on function core.idempotency_claim(text, text, jsonb, interval) from public;
grant execute on function core.idempotency_claim(text, text, jsonb, interval) to app_user;

comment on function core.idempotency_claim(text, text, jsonb, interval) is
    'Begin a request with a key, in the active tenant and a scope. outcome is new: do it, then call core.idempotent_finish, in the same '
    'transaction or, within the lease, in a later one with this attempt; replay: it was done, here is the response; in_progress: somebody '
    'else does it until retry_after; mismatch: the key came with another request before. Waits for a concurrent first caller. Idempotent '
    'once finished. Errors: PT400 malformed scope, key or lease, PT401 nobody is signed in, PT403 no tenant named.';

-- core.idempotency_claim for functions that do everything in one transaction: go on, give the old answer, or an error.

create or replace function core.idempotent_begin(p_scope text, p_key text, p_request jsonb) returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_claim record;
begin
    select c.* into v_claim from core.idempotency_claim(p_scope, p_key, p_request) as c;
    if v_claim.outcome = 'mismatch' then
        perform core.raise_error('PT409', 'idempotency_mismatch', 'This idempotency key was used with another request.');
    elsif v_claim.outcome = 'in_progress' then
        perform core.raise_error(
            'PT409', 'idempotency_in_progress', 'A request with this idempotency key is in progress.',
            jsonb_build_object('retry_after', v_claim.retry_after)::text);
    end if;
    return v_claim.response;
end
$fn$;

revoke execute on function core.idempotent_begin(text, text, jsonb) from public;
grant execute on function core.idempotent_begin(text, text, jsonb) to app_user;

comment on function core.idempotent_begin(text, text, jsonb) is
    'First line of a function that must not happen twice: null means go on and end with core.idempotent_finish; else the stored response '
    'to return as it is. A concurrent second caller waits for the first. Idempotent once finished. Errors: PT409 idempotency_mismatch key '
    'used with another request, PT409 idempotency_in_progress (the hint has retry_after), PT400 malformed scope or key, PT401 nobody is '
    'signed in, PT403 no tenant named.';

-- A response too large to keep is the caller's mistake, found in the first run: store what the answer is made from, not a document.

create or replace function core.idempotent_finish(p_scope text, p_key text, p_response jsonb, p_attempt integer default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant   uuid := core.require_tenant();
    -- nothing to answer is an answer, too
    v_response jsonb := coalesce(p_response, 'null');
begin
    if octet_length(v_response::text) > 65536 then
        perform core.raise_error('PT422', 'invalid', 'The response is too large to be kept.', '{"response": "is over 65536 bytes"}');
    end if;
    update core.idempotency_keys as k
       set response = v_response
     where k.tenant_id = v_tenant
       and k.scope = p_scope
       and k.idempotency_key = p_key
       and k.attempt = coalesce(p_attempt, k.attempt)
       and (k.response is null or k.response = v_response);
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The request is not in progress, or somebody else took it over.');
    end if;
end
$fn$;

alter function core.idempotent_finish(text, text, jsonb, integer) owner to app_definer;
revoke execute on function core.idempotent_finish(text, text, jsonb, integer) from public;
grant execute on function core.idempotent_finish(text, text, jsonb, integer) to app_user;

comment on function core.idempotent_finish(text, text, jsonb, integer) is
    'Store the response of a request that core.idempotent_begin or core.idempotency_claim let go on; name the attempt when that was in an '
    'earlier transaction. Idempotent. Errors: PT409 not in progress or taken over, PT422 over 64 kB, PT401 nobody is signed in, PT403 no '
    'tenant named.';

create or replace function core.idempotent_release(p_scope text, p_key text, p_attempt integer) returns boolean
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    delete from core.idempotency_keys as k
     where k.tenant_id = v_tenant
       and k.scope = p_scope
       and k.idempotency_key = p_key
       and k.attempt = p_attempt
       and k.response is null;
    return found;
end
$fn$;

alter function core.idempotent_release(text, text, integer) owner to app_definer;
revoke execute on function core.idempotent_release(text, text, integer) from public;
grant execute on function core.idempotent_release(text, text, integer) to app_user;

comment on function core.idempotent_release(text, text, integer) is
    'Give up a request begun in an earlier transaction, so that the next try need not wait for the lease; false when it was not in progress '
    'or is somebody else''s now. Idempotent. Errors: PT401 nobody is signed in, PT403 no tenant named.';

-- Says nothing about tenants of others: a foreign and an unknown one are both false.

create or replace function core.is_member(p_tenant uuid) returns boolean
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return p_tenant is not null and p_tenant = any (core.my_tenant_ids());
end
$fn$;

alter function core.is_member(uuid) owner to app_definer;
revoke execute on function core.is_member(uuid) from public;
grant execute on function core.is_member(uuid)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.is_member(uuid) is
    'Whether the current person is an active member of an active tenant. Not for policies: a row argument reads whole tables. Errors: none.';

-- Owner is who the registry names, and whoever else holds the highest role of the tenant's system.

create or replace function core.is_owner(p_tenant uuid) returns boolean
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.is_member(p_tenant) and exists (
        select
          from core.tenants as t
          join core.memberships as m on m.tenant_id = t.id and m.user_id = core.current_user_id()
         where t.id = p_tenant
           and (t.owner_user_id = m.user_id
                or m.role_key = (select r.key from core.roles as r where r.system = t.system order by r.rank desc, r.key limit 1)));
end
$fn$;

alter function core.is_owner(uuid) owner to app_definer;
revoke execute on function core.is_owner(uuid) from public;
grant execute on function core.is_owner(uuid)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.is_owner(uuid) is
    'Whether the current person owns a tenant: named as its owner, or an active member with the highest role of its system. Errors: none.';

-- jsonb takes thousands of levels, and numbers of 131,072 digits in a dozen bytes. Many readers of JSON stop with an error at either, and
-- a worker that cannot read one job cannot read the batch it came in. What is small cannot be long either, and is not written out to see.
-- STABLE as pg_column_size() is, or it would not be inlined.

create or replace function core.is_plain_json(p_value jsonb) returns boolean
    language sql stable parallel safe
return not jsonb_path_exists(p_value, 'strict $.**{100}')
   and not jsonb_path_exists(p_value, 'strict $.** ? (@ > 1e308 || @ < -1e308)')
   and (pg_column_size(p_value || '{}') <= 2000 or octet_length(p_value::text) <= 1048576);

revoke execute on function core.is_plain_json(jsonb) from public;
grant execute on function core.is_plain_json(jsonb) to app_definer;

comment on function core.is_plain_json(jsonb) is
    'Whether any reader of JSON can read a document: fewer than 100 levels, numbers up to 1e308, as text not over 1 MB. Internal. Errors: '
    '54000 as text it has over 1 GB.';

-- The rule of the domain core.email, for input that is not lower-cased yet.

create or replace function core.is_valid_email(p text) returns boolean
    language sql immutable parallel safe
return p ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$' and length(p) <= 254;

revoke execute on function core.is_valid_email(text) from public;
grant execute on function core.is_valid_email(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.is_valid_email(text) is
    'Whether lower(p) is a core.email; null for null. Errors: none.';

-- For the service that signs people in. Whoever may call this can act as anybody, so it is no application role's.

create or replace function core.issue_token(
    p_user_id uuid, p_tenant_id uuid default null, p_ttl interval default '15 minutes'
) returns text
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_token text := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
begin
    if p_ttl is null or p_ttl <= interval '0' or p_ttl > interval '1 day' then
        perform core.raise_error('PT400', 'bad_request', 'The life of a token must be positive and at most one day.', '{"ttl": "out of range"}');
    end if;
    perform core.check_access(p_user_id, p_tenant_id);

    -- Kept for a day, so that a late caller learns that the token expired and not that it never was.
    delete from core.context_tokens as t where t.user_id = p_user_id and t.expires_at < now() - interval '1 day';
    insert into core.context_tokens (token_hash, user_id, tenant_id, expires_at)
    values (sha256(convert_to(v_token, 'UTF8')), p_user_id, p_tenant_id, now() + p_ttl);
    return v_token;
end
$fn$;

alter function core.issue_token(uuid, uuid, interval) owner to app_definer;
revoke execute on function core.issue_token(uuid, uuid, interval) from public;
grant execute on function core.issue_token(uuid, uuid, interval) to app_platform_admin;

comment on function core.issue_token(uuid, uuid, interval) is
    'A new opaque token that opens one person''s context in one tenant until it expires; the text is returned once and only its hash is '
    'kept. Each call issues another. Errors: PT400 life out of range, PT401 unknown or inactive user, PT403 not an active member.';

create or replace function core.job_backoff(p_job_type text, p_retry integer) returns interval
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_minutes integer[] := coalesce((select t.backoff_minutes from core.job_types as t where t.job_type = p_job_type), '{1,5,15}');
begin
    return make_interval(mins => v_minutes[least(greatest(p_retry, 1), cardinality(v_minutes))]);
end
$fn$;

alter function core.job_backoff(text, integer) owner to app_definer;
revoke execute on function core.job_backoff(text, integer) from public;
grant execute on function core.job_backoff(text, integer)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin;

comment on function core.job_backoff(text, integer) is
    'How long a job waits before its first, second, … retry: by its type, else 1, 5, 15 minutes; the last one repeats. Errors: none.';

-- A priority is new to a queue once in the queue's life, so the lane and its mark are made on demand. Every claim looks into every lane,
-- so there are 100 at most. A priority that comes later shares the next lower lane: refused, whoever thought up a hundred priorities
-- would keep all others from theirs.

create or replace function core.lane_of(p_queue text, p_priority integer) returns core.queue_lanes
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_priority integer := case when (select q.is_fair from core.queues as q where q.name = p_queue) then 0 else p_priority end;
    v_lane     core.queue_lanes;
begin
    select * into v_lane from core.queue_lanes as l where l.queue = p_queue and l.priority = v_priority;
    if not found then
        if (select count(*) from core.queue_lanes as l where l.queue = p_queue) < 100 then
            perform pg_advisory_xact_lock(hashtextextended('core.queue_lanes', 0));
        end if;
        if (select count(*) from core.queue_lanes as l where l.queue = p_queue) >= 100 then
            select * into v_lane from core.queue_lanes as l where l.queue = p_queue order by l.priority > v_priority, abs(l.priority::bigint - v_priority) limit 1;
            return v_lane;
        end if;
        insert into core.queue_lanes (queue, priority, mark)
        values (
            p_queue,
            v_priority,
            (select c.oid
               from pg_class as c
              where c.relnamespace = 'core'::regnamespace
                and c.relkind = 'S'
                and c.relname like 'queue\_mark\_%'
                and not exists (select from core.queue_lanes as l where l.mark = c.oid)
                and not exists (select from core.queues as q where q.lease_low = c.oid)
              order by c.relname
              limit 1))
        on conflict (queue, priority) do nothing;
        select * into v_lane from core.queue_lanes as l where l.queue = p_queue and l.priority = v_priority;
        -- a sequence taken over from a lane that was rolled back may stand anywhere: a new lane is empty, so no mark is too low
        perform setval(v_lane.mark, -9223372036854775808, false);
    end if;
    return v_lane;
end
$fn$;

alter function core.lane_of(text, integer) owner to app_definer;
revoke execute on function core.lane_of(text, integer) from public;

comment on function core.lane_of(text, integer) is
    'The lane of a queue for a priority, made when it is new; a fair queue has one for all. Where the queue has 100 lanes already, the one of '
    'the next lower priority, or of the lowest. Idempotent. Errors: 23503 no such queue.';

-- For callers that count in jobs. The newest lease first: it is the one, mostly.

create or replace function core.lease_of(p_job_id uuid, p_worker text) returns bigint
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_lease bigint;
begin
    select l.id
      into v_lease
      from core.job_leases as l
      join core.job_envelopes as e on e.id = l.id and e.claimed_at = l.claimed_at
     where l.worker = p_worker
       and p_job_id <> all (coalesce(l.settled, '{}'))
       and exists (select from unnest(e.jobs) as job where job.id = p_job_id)
     order by l.id desc
     limit 1;
    if v_lease is null then
        perform core.raise_error('PT409', 'conflict', 'The worker does not hold this job, or not any more.', jsonb_build_object('id', p_job_id)::text);
    end if;
    return v_lease;
end
$fn$;

alter function core.lease_of(uuid, text) owner to app_definer;
revoke execute on function core.lease_of(uuid, text) from public;

comment on function core.lease_of(uuid, text) is 'The lease under which a worker holds a job. Errors: PT409 it does not hold it.';

-- Owned by app_owner, as LOCK TABLE asks for rights that nobody has on the log; the statement changes nothing.

create or replace function core.lock_audit_log() returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '10s'
as $fn$
begin
    alter table core.audit_log enable trigger _000_append_only;
end
$fn$;

revoke execute on function core.lock_audit_log() from public;
grant execute on function core.lock_audit_log() to app_definer;

comment on function core.lock_audit_log() is
    'Wait for everybody who is writing to the audit log, and keep others from it until the transaction ends. Internal. Idempotent. Errors: 55P03.';

-- Called in a transaction of its own: the one that failed is rolled back, and this with it.

create or replace function core.log_error(
    p_action text, p_sqlstate text, p_message text, p_context jsonb default '{}'
) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_longest constant integer := 16384;
    v_context jsonb := core.redact(coalesce(p_context, '{}'));
    v_id      bigint;
begin
    if coalesce(p_action, '') = '' or p_message is null or p_sqlstate !~ '^[0-9A-Z]{5}$' or jsonb_typeof(v_context) <> 'object' then
        perform core.raise_error('PT400', 'bad_request', 'An error needs an action and a message; its code has five characters, its context is an object.');
    end if;

    if octet_length(v_context::text) > c_longest then
        v_context := jsonb_build_object('left_out', 'context was longer than ' || c_longest || ' bytes');
    end if;
    insert into core.error_events (tenant_id, user_id, action, sqlstate, message, context, created_at)
    values (
        core.active_tenant_id(), core.current_user_id(), left(p_action, 200), p_sqlstate,
        -- a connection string in a driver's message carries its password
        left(regexp_replace(p_message, '(://[^\s:/@]*):[^\s@]*@', '\1:[redacted]@', 'g'), 4000),
        v_context, clock_timestamp())
    returning id into v_id;
    return v_id;
end
$fn$;

alter function core.log_error(text, text, text, jsonb) owner to app_definer;
revoke execute on function core.log_error(text, text, text, jsonb) from public;
grant execute on function core.log_error(text, text, text, jsonb) to app_user, app_renter, app_worker;

comment on function core.log_error(text, text, text, jsonb) is
    'Record an error with the person and tenant of the transaction; values of secret keys in the context are redacted, long texts cut. '
    'Call it after the failed transaction was rolled back. Each call records. Errors: PT400 no action or message, malformed code or context.';

-- The verdict is that of whoever restored; what differed says why.

create or replace function core.log_restore_verification(p_backup_id bigint, p_ok boolean, p_counts jsonb, p_mismatches jsonb) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_id bigint;
begin
    if p_ok is null or (p_ok and coalesce(jsonb_array_length(p_mismatches), 0) > 0) then
        perform core.raise_error('PT422', 'invalid', 'A verification succeeded or not, and one with mismatches did not.');
    end if;
    insert into core.restore_verifications (backup_id, verified_at, ok, row_counts, mismatches)
    -- the backup may be one this database forgot, or a restored copy never knew
    values ((select b.id from core.backup_runs as b where b.id = p_backup_id), clock_timestamp(), p_ok, coalesce(p_counts, '{}'), coalesce(p_mismatches, '[]'))
    returning id into v_id;
    return v_id;
end
$fn$;

alter function core.log_restore_verification(bigint, boolean, jsonb, jsonb) owner to app_definer;
revoke execute on function core.log_restore_verification(bigint, boolean, jsonb, jsonb) from public;
grant execute on function core.log_restore_verification(bigint, boolean, jsonb, jsonb) to dbkit_backup, app_owner;

comment on function core.log_restore_verification(bigint, boolean, jsonb, jsonb) is
    'Record that a backup was restored for a test, and what differed; returns the id of the record. Each call is one. '
    'Errors: 22023 mismatches that are no array, PT422 no verdict, or a good one with mismatches.';

-- Jobs of a fair lane that have to go before others of their tenant take over places of those, who move back. Were all that follow to
-- move up by one, a job would cost as many writes as there are others; were the first to go to the very end, it would have waited for
-- nothing. So it takes over a place about four times as far back, that one's job the same, until the end of the line: ten moves among
-- 100,000 jobs, the tenant has one job a turn as before, and those of one priority stay in order but for the few that moved.
-- A move deletes and inserts: a claim that waits for a row must not find it with another tag. Probes as in core.fair_places.

create or replace function core.make_room(
    p_lane core.queue_lanes, p_tenant uuid, p_priority integer, p_count integer, p_after bigint, p_own_from bigint, p_end bigint
) returns bigint[]
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
    set plan_cache_mode = force_generic_plan
as $fn$
declare
    v_turn   bigint := greatest(coalesce(pg_sequence_last_value(p_lane.mark), 0), 0);
    v_step   bigint := core.fair_turn(p_tenant);
    v_ids    uuid[];
    v_levels integer[];
    v_places bigint[];
    v_end    bigint := p_end;
    v_moving record;
    v_to     bigint[];
begin
    -- jobs that somebody is claiming or moving are left alone: nobody waits here
    select coalesce(array_agg(taken.id), '{}'), coalesce(array_agg(taken.priority), '{}'), coalesce(array_agg(taken.tag), '{}')
      into v_ids, v_levels, v_places
      from (
        select waiting.*
          from generate_series(p_priority, -1, -1) as level
         cross join lateral (
            select r.id, r.priority, r.tag
              from core.jobs_ready as r
             where r.tenant_id = p_tenant
               and r.lane_id = p_lane.id
               and r.priority between level and level
               and r.tag > case when level = p_priority then p_own_from else p_after end
             order by r.priority, r.tag
             limit p_count
               for update skip locked) as waiting
         limit p_count) as taken;
    if cardinality(v_ids) < p_count then
        select greatest(p_end, max(line.tag))
          into v_end
          from generate_series(-1, 1) as level
         cross join lateral (
            select r.tag
              from core.jobs_ready as r
             where r.tenant_id = p_tenant and r.lane_id = p_lane.id and r.priority between level and level
             order by r.priority desc, r.tag desc
             limit 1) as line;
        v_places := v_places || array(select v_end + job * v_step from generate_series(1, p_count - cardinality(v_ids)) as job);
        v_end := v_places[p_count];
    end if;
    -- the lower ones first: they are where the others go
    for v_moving in
        select level, array_agg(job.id order by job.tag) as ids, max(job.tag) as last
          from generate_series(-1, p_priority) as level
          join unnest(v_ids, v_levels, v_places) as job (id, priority, tag) on job.priority = level
         group by level
         order by level
    loop
        v_to := core.make_room(
            p_lane, p_tenant, v_moving.level, cardinality(v_moving.ids), v_moving.last, v_turn + 4 * (v_moving.last - v_turn), v_end);
        with gone as (
            delete from core.jobs_ready as r where r.id = any (v_moving.ids) returning r.*
        )
        insert into core.jobs_ready (
            tag, scheduled_at, created_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by, job_type,
            dedupe_key, error_message, payload)
        select job.place, g.scheduled_at, g.created_at, g.lane_id, g.priority, g.retry_count, g.max_retries, g.lease_seconds, g.id,
               g.tenant_id, g.created_by, g.job_type, g.dedupe_key, g.error_message, g.payload
          from gone as g
          join unnest(v_moving.ids, v_to) as job (id, place) on job.id = g.id;
    end loop;
    return v_places;
end
$fn$;

alter function core.make_room(core.queue_lanes, uuid, integer, integer, bigint, bigint, bigint) owner to app_definer;
revoke execute on function core.make_room(core.queue_lanes, uuid, integer, integer, bigint, bigint, bigint) from public;

comment on function core.make_room(core.queue_lanes, uuid, integer, integer, bigint, bigint, bigint) is
    'Places in a fair lane for p_count jobs of a tenant: those of its jobs with a lower priority after p_after, and with the same after '
    'p_own_from; what is missing stands at the end, after p_end at least. Whoever stood there has moved back. Not idempotent. Errors: none.';

-- The first reading counts: marking again does not move read_at.

create or replace function core.mark_notification_read(p_id uuid) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
begin
    update core.user_notifications as n
       set read_at = coalesce(n.read_at, clock_timestamp())
     where n.tenant_id = v_tenant and n.id = p_id;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'The current person has no such notification here.');
    end if;
end
$fn$;

revoke execute on function core.mark_notification_read(uuid) from public;
grant execute on function core.mark_notification_read(uuid) to app_user;

comment on function core.mark_notification_read(uuid) is
    'Mark one of the current person''s notifications in the active tenant as read. Idempotent. Errors: PT401 nobody is signed in, '
    'PT403 no tenant named, PT404 no such notification of theirs.';

-- A set and not a boolean: a set-returning function is planned as a part of the statement that calls it, so core.set_context checks,
-- writes and seals in one. Three look-ups by key, each skipped when one before it found nothing.

create or replace function core.may_enter(p_user_id uuid, p_tenant_id uuid) returns setof boolean
    language sql stable
begin atomic
    select true
     where exists (select from core.users as u where u.id = p_user_id and u.is_active)
       and (p_tenant_id is null
            or exists (
                select from core.memberships as m
                 where m.tenant_id = p_tenant_id and m.user_id = p_user_id and m.status = 'active')
               and exists (
                select from core.tenants as t
                 where t.id = p_tenant_id and t.status = 'active' and t.deleted_at is null));
end;

alter function core.may_enter(uuid, uuid) owner to app_definer;
revoke execute on function core.may_enter(uuid, uuid) from public;

comment on function core.may_enter(uuid, uuid) is
    'One row when a person is active and, where a tenant is named, an active member of it while it is active; else none. Internal. '
    'Errors: none.';

create or replace function core.metric_history(p_name text, p_since interval default '24 hours')
returns table (hour timestamptz, labels jsonb, samples bigint, avg double precision, p50 double precision, p95 double precision, p99 double precision)
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return query
        select h.hour, h.labels, h.samples, h.avg, h.p50, h.p95, h.p99
          from core.hourly_metrics as h
         where h.name = p_name
           and h.hour > clock_timestamp() - p_since
         order by h.hour, h.labels;
end
$fn$;

alter function core.metric_history(text, interval) owner to app_definer;
revoke execute on function core.metric_history(text, interval) from public;
grant execute on function core.metric_history(text, interval) to app_monitor;

comment on function core.metric_history(text, interval) is
    'A metric by the hour, oldest first, of all tenants. Errors: none.';

-- Runs through row security: the filters only say to the planner what the policy says anyway.

create or replace function core.my_notifications(p_unread_only boolean default true, p_limit integer default 50, p_cursor text default null)
returns table ("row" jsonb, next_cursor text)
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_user   uuid := core.require_user();
    v_limit  integer := least(greatest(coalesce(p_limit, 50), 1), 100);
    v_after  jsonb := core.decode_cursor(p_cursor, '{"created_at": "timestamptz", "id": "uuid"}');
begin
    return query
        with page as (
            select n.id, n.kind, n.title, n.body, n.entity_type, n.entity_id, n.read_at, n.created_at,
                   row_number() over (order by n.created_at desc, n.id desc) as position
              from core.user_notifications as n
             where n.tenant_id = v_tenant
               and n.user_id = v_user
               and (n.read_at is null or p_unread_only is false)
               and (v_after is null or (n.created_at, n.id) < ((v_after ->> 'created_at')::timestamptz, (v_after ->> 'id')::uuid))
             order by n.created_at desc, n.id desc
             limit v_limit + 1
        )
        select jsonb_build_object(
                   'id', p.id, 'kind', p.kind, 'title', p.title, 'body', p.body,
                   'entity_type', p.entity_type, 'entity_id', p.entity_id, 'read_at', p.read_at, 'created_at', p.created_at),
               (select core.encode_cursor(jsonb_build_object('created_at', last.created_at, 'id', last.id))
                  from page as last
                 where last.position = v_limit and exists (select from page as beyond where beyond.position > v_limit))
          from page as p
         where p.position <= v_limit
         order by p.position;
end
$fn$;

revoke execute on function core.my_notifications(boolean, integer, text) from public;
grant execute on function core.my_notifications(boolean, integer, text) to app_user, app_readonly;

comment on function core.my_notifications(boolean, integer, text) is
    'What the current person was told in the active tenant, newest first, up to 100; only what is unread unless p_unread_only is false. '
    'next_cursor, the same on every row, continues behind the page and is null on the last one. Reads only. Errors: PT400 malformed '
    'cursor, PT401 nobody is signed in, PT403 no tenant named.';

-- Where the current person can go. Not for policies: those compare with the one active tenant.

create or replace function core.my_tenant_ids() returns uuid[]
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return array(
        select m.tenant_id
          from core.memberships as m
          join core.tenants as t on t.id = m.tenant_id
         where m.user_id = core.current_user_id()
           and m.status = 'active'
           and t.status = 'active'
           and t.deleted_at is null
         order by t.name, t.id);
end
$fn$;

alter function core.my_tenant_ids() owner to app_definer;
revoke execute on function core.my_tenant_ids() from public;
grant execute on function core.my_tenant_ids() to app_user, app_renter, app_readonly;

comment on function core.my_tenant_ids() is
    'The tenants the current person may enter, by name; empty without context. Errors: none.';

-- What a tenant chooser shows. core.tenants itself shows the active tenant only.

create or replace function core.my_tenants()
returns table (id uuid, system text, name text, slug text, role_key text, membership_status text)
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return query
        select t.id, t.system, t.name, t.slug, m.role_key, m.status
          from core.memberships as m
          join core.tenants as t on t.id = m.tenant_id
         where m.user_id = core.current_user_id()
           and m.status in ('invited', 'active')
           and t.status = 'active'
           and t.deleted_at is null
         order by t.name, t.id;
end
$fn$;

alter function core.my_tenants() owner to app_definer;
revoke execute on function core.my_tenants() from public;
grant execute on function core.my_tenants() to app_user, app_readonly;

comment on function core.my_tenants() is
    'The tenants the current person can enter or is invited to, by name; none without context. Errors: none.';

-- Version 7: ids of one day lie together in the index, and core.find_job knows from the id when to begin looking.

create or replace function core.new_job_id(p_at timestamptz) returns uuid
    language sql volatile parallel safe
return (lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0') || '7' || substr(gen_random_uuid()::text, 16))::uuid;

revoke execute on function core.new_job_id(timestamptz) from public;
grant execute on function core.new_job_id(timestamptz) to app_definer;

comment on function core.new_job_id(timestamptz) is 'A random id that begins with the time (UUID version 7). Another with each call. Errors: none.';

-- Complete and claim in one round trip. A claim takes rows out of core.jobs_ready and writes them once, as one envelope with one lease:
-- what a batch costs is its deletes. Everything is static SQL with LIMIT inside the locking subquery, which reads the index in order
-- and never takes more than it was asked for. One statement claims, writes and answers: jobs pass from hand to hand in the order in
-- which the index gave them, so nothing sorts, and they are put together once, for the envelope.

create or replace function core.next_jobs(
    p_worker text, p_limit integer default 10, p_queue text default 'default', p_types text[] default null,
    p_lease bigint default null, p_done uuid[] default null, p_failed jsonb default null, p_results jsonb default null
) returns table (
    lease_id bigint, id uuid, tenant_id uuid, queue text, job_type text, payload jsonb, priority integer, retry_count integer,
    max_retries integer, scheduled_at timestamptz, created_at timestamptz, lease_seconds integer
)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    -- The plan is made once, often while the tables are still empty, and has to be right with a million rows.
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
as $fn$
#variable_conflict use_column
declare
    v_lowest constant bigint := -9223372036854775808;
    v_now    timestamptz;
    v_low    timestamptz;
    v_queue  record;
    v_limit  integer := p_limit;
begin
    if p_lease is not null then
        -- the usual case here, in one statement: all is done, and nobody has to look at the jobs; the others in core.settle_lease
        with ended as (
            delete from core.job_leases as l
             where l.id = p_lease and p_done is null and p_failed is null and p_results is null and l.settled is null and not l.has_keys
         returning l.id, l.claimed_at
        )
        insert into core.jobs_done (lease_id, claimed_at, finished_at) select e.id, e.claimed_at, clock_timestamp() from ended as e;
        if not found then
            perform core.settle_lease(p_lease, p_done, p_failed, p_results);
        end if;
    end if;
    if p_limit is null or p_limit not between 0 and 1000 or p_worker is null or p_worker = '' then
        perform core.raise_error('PT400', 'bad_request', 'A claim needs the name of a worker and a limit from 0 to 1,000.');
    end if;
    -- After the settling: a failed job may be due again at once. As variables: what may change during a statement is no boundary for an index.
    v_now := clock_timestamp();
    v_low := core.from_epoch_us(coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0));
    select q.max_running,
           exists (select from core.jobs_scheduled as s where s.scheduled_at >= v_low and s.scheduled_at <= v_now) as is_due
      into v_queue
      from core.queues as q
     where q.name = p_queue;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no queue of this name.', '{"queue": "unknown"}');
    end if;
    if v_limit > 0 and v_queue.max_running is not null then
        v_limit := least(v_limit, core.queue_room(p_queue));
    end if;
    if v_limit = 0 then
        return;
    end if;
    if v_queue.is_due then
        perform core.promote_jobs();
    end if;
    if core.epoch_us(v_now) > coalesce(pg_sequence_last_value('core.queue_swept_at'), 0) + 100000 then
        perform core.sweep_lanes();
    end if;

    loop
        return query
        with picked as materialized (
            select waiting.*
              from (
                select l.id, l.mark::oid as sequence, coalesce(pg_sequence_last_value(l.mark), v_lowest) as mark
                  from core.queue_lanes as l
                 where l.queue = p_queue
                 order by l.queue, l.priority desc) as lane
             cross join lateral (
                select lane.sequence, lane.mark, r.ctid as place, r as job, r.*
                  from core.jobs_ready as r
                 where r.lane_id = lane.id
                   and r.tag >= lane.mark
                   and (p_types is null or r.job_type = any (p_types))
                 order by r.tag
                 limit v_limit
                   for update skip locked) as waiting
             limit v_limit
        ), gone as (
            delete from core.jobs_ready as r
             where r.ctid = any (array(select p.place from picked as p))
        ), batch as materialized (
            select array_agg(p.job) as jobs, count(*)::integer as job_count, max(p.lease_seconds) as seconds,
                   bool_or(p.dedupe_key is not null) as has_keys, min(p.tag) as tag, min(p.mark) as mark, min(p.sequence) as sequence
              from picked as p
        ), lease as (
            insert into core.job_leases (claimed_at, lease_until, lease_seconds, open_count, queue, worker, has_keys)
            select moment.now, moment.now + make_interval(secs => b.seconds), b.seconds, b.job_count, p_queue, p_worker, b.has_keys
              from batch as b
             cross join (select clock_timestamp() as now offset 0) as moment
             where b.job_count > 0
         returning id, claimed_at, worker, lease_seconds
        ), envelope as (
            insert into core.job_envelopes (id, claimed_at, worker, jobs)
            select l.id, l.claimed_at, l.worker, b.jobs from lease as l cross join batch as b
        ), raised as materialized (
            -- Let the next claims begin where this one did. A mark a few jobs behind is as good, so small claims write it now and then only.
            select case when b.is_one_lane and b.tag > b.mark then setval(b.sequence, b.tag) end,
                   case when not b.is_one_lane then core.raise_marks(b.jobs, p_types is null) end
              from (
                select batch.*, p_types is null and (batch.jobs[1]).lane_id = (batch.jobs[batch.job_count]).lane_id as is_one_lane
                  from batch) as b
             where b.job_count >= 16 or random() < 0.125
        )
        select l.id, p.id, p.tenant_id, p_queue, p.job_type, p.payload, p.priority, p.retry_count, p.max_retries, p.scheduled_at,
               p.created_at, l.lease_seconds
          from lease as l
         cross join (select count(*) from raised) as raised
         cross join picked as p;
        -- nothing in sight: before giving up, look below the marks
        exit when found or core.sweep_lanes() is not true;
    end loop;
end
$fn$;

alter function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb) owner to app_definer;
revoke execute on function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb) from public;
grant execute on function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb) to app_worker;

comment on function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb) is
    'Settle a lease as core.complete_jobs does (when one is given), then claim up to p_limit due jobs of a queue under a new lease, in '
    'the order to run them: highest priority first, then what has waited longest; in a fair queue tenants take turns. No row: nothing to '
    'do. Each call claims other jobs. Commit at once: until then no other worker promotes scheduled jobs or looks for late ones. '
    'Errors: PT400 no worker or a limit out of range, PT422 unknown queue, and those of '
    'core.complete_jobs; after an error nothing was settled and nothing claimed.';

-- The row lock lasts to the end of the transaction and a rollback takes the number back: no gaps in committed work, no duplicates.
-- The price is that two creators of one kind in one tenant wait for each other, so take the number late.

create or replace function core.next_number(p_name text, p_prefix text default '', p_width integer default 6) returns text
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_number text;
begin
    if p_name is null or p_name !~ '^[a-z][a-z0-9_]{0,62}$' or p_prefix is null or p_width is null or p_width not between 1 and 18 then
        perform core.raise_error('PT400', 'bad_request', 'A number needs a name in snake_case, a prefix and a width from 1 to 18.');
    end if;

    insert into core.tenant_sequences as s (tenant_id, name, last_value)
    values (v_tenant, p_name, 1)
    on conflict (tenant_id, name) do update set last_value = s.last_value + 1
    returning s.last_value::text into v_number;
    -- lpad would cut a number that outgrew its width
    return p_prefix || lpad(v_number, greatest(p_width, length(v_number)), '0');
end
$fn$;

alter function core.next_number(text, text, integer) owner to app_definer;
revoke execute on function core.next_number(text, text, integer) from public;
grant execute on function core.next_number(text, text, integer) to app_user;

comment on function core.next_number(text, text, integer) is
    'The next document number of a kind in the active tenant, e.g. JOB-000042: unique, and gap-free in committed work. Each call counts. '
    'Errors: PT400 malformed name or width, PT401 nobody is signed in, PT403 no tenant named.';

-- Only writing is normalised. A national number stays as it is: its country is not guessed.

create or replace function core.normalize_phone(p text) returns text
    language sql immutable parallel safe
return substring(
    regexp_replace(regexp_replace(p, '[\s().\-/]', '', 'g'), '^00', '+')
    from '^\+?[1-9][0-9]{1,14}$');

revoke execute on function core.normalize_phone(text) from public;
grant execute on function core.normalize_phone(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.normalize_phone(text) is
    'A phone number without separators, 00 as +; null when what is left is no core.phone_e164. Errors: none.';

-- NOTIFY makes the commits of a database queue up behind each other, so not every event may send one. While another transaction of
-- the same slot is about to wake the listeners, this one stays silent: a listener therefore also reads every few seconds without
-- having been woken. Slots keep a long transaction from silencing more than its share of the tenants.

create or replace function core.notify_outbox(p_tenant uuid, p_channel text, p_id bigint) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_slots constant integer := 16;
begin
    if pg_try_advisory_xact_lock(hashtextextended('core.outbox_events:' || abs(uuid_hash(p_tenant)::bigint) % c_slots, 0)) then
        -- Everybody may listen, so the row stays out and the tenant goes by a digest: who knows its id recognizes it, nobody else learns it.
        perform pg_notify('dbkit_outbox', jsonb_build_object(
            'id', p_id, 'tenant', left(encode(sha256(convert_to(p_tenant::text, 'UTF8')), 'hex'), 16), 'channel', p_channel)::text);
    end if;
end
$fn$;

revoke execute on function core.notify_outbox(uuid, text, bigint) from public;
grant execute on function core.notify_outbox(uuid, text, bigint) to app_definer;

comment on function core.notify_outbox(uuid, text, bigint) is
    'Wake the listeners of dbkit_outbox at commit, unless another transaction is about to. The payload has id, channel and tenant, '
    'the first 16 hex digits of the SHA-256 of the tenant''s id. Internal. Idempotent in a transaction. Errors: none.';

-- The event says who has news and of what kind; the text stays in the row only the person can read.

create or replace function core.notify_user(
    p_user_id uuid, p_kind text, p_title text, p_body text default null, p_entity_type text default null, p_entity_id text default null
) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_id     uuid;
begin
    if coalesce(p_kind, '') = '' or coalesce(p_title, '') = '' then
        perform core.raise_error('PT422', 'invalid', 'A notification has a kind and a title.', '{"title": "missing"}');
    end if;

    insert into core.user_notifications (tenant_id, user_id, kind, title, body, entity_type, entity_id)
    select m.tenant_id, m.user_id, p_kind, p_title, p_body, p_entity_type, p_entity_id
      from core.memberships as m
     where m.tenant_id = v_tenant and m.user_id = p_user_id and m.status = 'active'
    returning id into v_id;
    if v_id is null then
        perform core.raise_error('PT404', 'not_found', 'No active member of this tenant has that id.');
    end if;
    perform core.emit('notifications', 'INSERT', 'core.user_notifications', v_id::text, jsonb_build_object('user_id', p_user_id, 'kind', p_kind));
    return v_id;
end
$fn$;

alter function core.notify_user(uuid, text, text, text, text, text) owner to app_definer;
revoke execute on function core.notify_user(uuid, text, text, text, text, text) from public;
grant execute on function core.notify_user(uuid, text, text, text, text, text) to app_user;

comment on function core.notify_user(uuid, text, text, text, text, text) is
    'Leave a message for a member of the active tenant and tell the channel notifications. Each call is one message; returns its id. '
    'Errors: PT401 nobody is signed in, PT403 no tenant named, PT404 not an active member, PT422 no kind or no title.';

-- Invoker: row security of the caller scopes the row. A definer function that calls this passes row security, so for it the tenant
-- column is compared here; a table that does not declare one is refused.

create or replace function core.optimistic_update(
    p_table regclass, p_id uuid, p_patch jsonb, p_version integer, p_allowed text[]
) returns jsonb
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_scope   text := '';
    v_columns text;
    v_result  jsonb;
    v_version integer;
begin
    if p_id is null or p_version is null or p_allowed is null or jsonb_typeof(p_patch) is distinct from 'object' or p_patch = '{}' then
        perform core.raise_error('PT400', 'bad_request', 'An update needs an id, a version and at least one changed field.');
    end if;
    if exists (select from jsonb_object_keys(p_patch) as field (name) where field.name <> all (p_allowed)) then
        perform core.raise_error(
            'PT422', 'invalid', 'A field is unknown or cannot be changed.',
            (select jsonb_object_agg(field.name, 'cannot be changed')
               from jsonb_object_keys(p_patch) as field (name)
              where field.name <> all (p_allowed))::text);
    end if;

    if pg_has_role(current_user, 'app_definer', 'usage') then
        if core.tenant_column(p_table) is null then
            perform core.raise_error('PT503', 'unavailable', format('%s declares no tenant column (trigger core.tg_tenant_immutable).', p_table));
        end if;
        v_scope := format('and t.%I = core.require_tenant()', core.tenant_column(p_table));
    end if;

    select string_agg(quote_ident(field.name), ', ') into v_columns from jsonb_object_keys(p_patch) as field (name);
    execute format(
        $sql$
            update %1$s as t
               set (%2$s) = (select %3$s from jsonb_populate_record(null::%1$s, $1) as patch)
             where t.id = $2 and t.version = $3 %4$s
            returning (select to_jsonb(row_now) from (select %5$s) as row_now)
        $sql$,
        p_table, v_columns,
        (select string_agg(format('patch.%I', field.name), ', ') from jsonb_object_keys(p_patch) as field (name)),
        v_scope,
        core.readable_columns(p_table, 't'))
       into v_result
      using p_patch, p_id, p_version;
    if v_result is not null then
        return v_result;
    end if;

    execute format($sql$ select t.version from %s as t where t.id = $1 %s $sql$, p_table, v_scope) into v_version using p_id;
    if v_version is null then
        perform core.raise_error('PT404', 'not_found', 'There is no such record.');
    end if;
    perform core.raise_error('PT409', 'version_conflict', 'Somebody else changed the record.', jsonb_build_object('version', v_version)::text);
    return null;
end
$fn$;

revoke execute on function core.optimistic_update(regclass, uuid, jsonb, integer, text[]) from public;
grant execute on function core.optimistic_update(regclass, uuid, jsonb, integer, text[]) to app_user, app_renter, app_definer;

comment on function core.optimistic_update(regclass, uuid, jsonb, integer, text[]) is
    'Change fields of one row if its version is still the one that was read; returns the row, without columns the caller cannot read. '
    'p_allowed lists the fields a patch may name. Not idempotent: the version moves. Errors: PT400 nothing to do, PT404 no such row, '
    'PT409 version moved (the hint has the current one), PT422 field not allowed, PT503 called by a definer for a table without tenant column.';

-- Requests that are not from a browser carry no origin and pass.

create or replace function core.origin_allowed(p_system text, p_origin text) returns boolean
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return p_origin is null or exists (
        select
          from core.allowed_origins as o
         where o.system = p_system
           and o.origin = lower(p_origin)
           and o.is_active);
end
$fn$;

alter function core.origin_allowed(text, text) owner to app_definer;
revoke execute on function core.origin_allowed(text, text) from public;
grant execute on function core.origin_allowed(text, text) to app_anon, app_user;

comment on function core.origin_allowed(text, text) is
    'Whether a system answers a browser origin; an unknown one is refused, no origin at all is allowed. Errors: none.';

-- The limit is clamped before the offset is computed: page 2 of limit 500 starts at row 101, not at row 501.

create or replace function core.page(p_page integer, p_limit integer, p_max integer default 100)
returns table (lim integer, off integer)
    language plpgsql immutable parallel safe
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_page   bigint := coalesce(p_page, 1);
    v_offset bigint;
begin
    lim := least(greatest(coalesce(p_limit, 50), 1), greatest(coalesce(p_max, 100), 1));
    v_offset := (v_page - 1) * lim;
    if v_page < 1 or v_offset > 2147483647 then
        perform core.raise_error('PT400', 'bad_request', 'The page must be 1 or more, and in reach.', '{"page": "out of range"}');
    end if;
    off := v_offset;
    return next;
end
$fn$;

revoke execute on function core.page(integer, integer, integer) from public;
grant execute on function core.page(integer, integer, integer)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.page(integer, integer, integer) is
    'LIMIT and OFFSET of a page: limit 50 when null, clamped to 1..p_max first; page 1 when null. Errors: PT400 page below 1 or beyond reach.';

-- What a paged list says about itself; the same clamping as core.page, so limit and totalPages describe the rows that were sent.

create or replace function core.page_meta(
    p_page integer, p_limit integer, p_total bigint, p_max integer default 100
) returns jsonb
    language plpgsql immutable parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_page  integer := coalesce(p_page, 1);
    v_total bigint := greatest(coalesce(p_total, 0), 0);
    v_limit integer;
    v_pages bigint;
begin
    select page.lim into v_limit from core.page(p_page, p_limit, p_max) as page;
    v_pages := (v_total + v_limit - 1) / v_limit;
    return jsonb_build_object(
        'page', v_page,
        'limit', v_limit,
        'total', v_total,
        'totalPages', v_pages,
        'hasNext', v_page < v_pages,
        'hasPrev', v_page > 1);
end
$fn$;

revoke execute on function core.page_meta(integer, integer, bigint, integer) from public;
grant execute on function core.page_meta(integer, integer, bigint, integer)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.page_meta(integer, integer, bigint, integer) is
    'Metadata of a page: page, limit, total, totalPages, hasNext, hasPrev. Give it the p_max that core.page got. Errors: PT400 page out of range.';

create or replace function core.percentiles(
    p_name text, p_since interval, out p50 double precision, out p95 double precision, out p99 double precision
)
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_since is null or p_since <= interval '0' then
        perform core.raise_error('PT400', 'bad_request', 'The period must be longer than nothing.');
    end if;

    select q.points[1], q.points[2], q.points[3]
      into p50, p95, p99
      from (
        select percentile_cont(array[0.5, 0.95, 0.99]) within group (order by s.value) as points
          from core.metric_samples as s
         where s.name = p_name
           and s.created_at > clock_timestamp() - p_since) as q;
end
$fn$;

alter function core.percentiles(text, interval) owner to app_definer;
revoke execute on function core.percentiles(text, interval) from public;
grant execute on function core.percentiles(text, interval) to app_monitor;

comment on function core.percentiles(text, interval) is
    'Median, 95th and 99th percentile of a metric over the last period, of all tenants; nulls where there are no samples. '
    'Errors: PT400 the period is not positive.';

create or replace function core.platform_cancel_job(p_job_id uuid) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.change_job(p_job_id, 'cancelled', null, true);
end
$fn$;

alter function core.platform_cancel_job(uuid) owner to app_definer;
revoke execute on function core.platform_cancel_job(uuid) from public;
grant execute on function core.platform_cancel_job(uuid) to app_platform_admin;

comment on function core.platform_cancel_job(uuid) is
    'core.cancel_job for platform administrators: any tenant''s job, without a context. Not idempotent: the second call is refused. Errors: '
    'PT404 no such job, PT409 the job has ended.';

create or replace function core.platform_retry_job(p_job_id uuid) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return core.change_job(p_job_id, 'pending', null, true);
end
$fn$;

alter function core.platform_retry_job(uuid) owner to app_definer;
revoke execute on function core.platform_retry_job(uuid) from public;
grant execute on function core.platform_retry_job(uuid) to app_platform_admin;

comment on function core.platform_retry_job(uuid) is
    'core.retry_job for platform administrators: any tenant''s job, without a context. Not idempotent: the second call is refused. Errors: '
    'PT404 no such job, PT409 the job has not failed, or its dedupe key is in use.';

-- Columns that an index only carries along (INCLUDE) name no row.

create or replace function core.primary_key(p_table regclass) returns text[]
    language sql stable parallel safe
begin atomic
    select array_agg(a.attname::text order by k.position)
      from pg_index as i
     cross join unnest(i.indkey::smallint[]) with ordinality as k (attnum, position)
      join pg_attribute as a
        on a.attrelid = i.indrelid
       and a.attnum = k.attnum
     where i.indrelid = p_table
       and i.indisprimary
       and k.position <= i.indnkeyatts;
end;

revoke execute on function core.primary_key(regclass) from public;
grant execute on function core.primary_key(regclass) to app_user, app_definer;

comment on function core.primary_key(regclass) is
    'The columns of the primary key of a table, in their order; null without one. Internal. Errors: none.';

create or replace function core.probe_backup_age(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select coalesce(extract(epoch from clock_timestamp() - max(b.finished_at)) / 3600, 'Infinity')
          from core.backup_runs as b
         where b.ok);
end
$fn$;

revoke execute on function core.probe_backup_age(integer, text) from public;
grant execute on function core.probe_backup_age(integer, text) to app_definer;

comment on function core.probe_backup_age(integer, text) is
    'Probe: hours since the last successful backup, Infinity when there never was one. Errors: none.';

create or replace function core.probe_cache_hit_rate(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select 100 * sum(r.hits) / nullif(sum(r.hits + r.misses), 0)
          from core.cache_stats_report(make_interval(mins => p_minutes)) as r);
end
$fn$;

revoke execute on function core.probe_cache_hit_rate(integer, text) from public;
grant execute on function core.probe_cache_hit_rate(integer, text) to app_definer;

comment on function core.probe_cache_hit_rate(integer, text) is
    'Probe: hits in percent of all cache reads of the last p_minutes; null without reads. Errors: none.';

create or replace function core.probe_connections(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select u.used from core.connection_usage as u where u.database_name is null);
end
$fn$;

revoke execute on function core.probe_connections(integer, text) from public;
grant execute on function core.probe_connections(integer, text) to app_definer;

comment on function core.probe_connections(integer, text) is
    'Probe: client connections of the whole server. Errors: none.';

create or replace function core.probe_connections_percent(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select 100.0 * u.used / u.max_connections from core.connection_usage as u where u.database_name is null);
end
$fn$;

revoke execute on function core.probe_connections_percent(integer, text) from public;
grant execute on function core.probe_connections_percent(integer, text) to app_definer;

comment on function core.probe_connections_percent(integer, text) is
    'Probe: client connections of the whole server in percent of max_connections. Errors: none.';

create or replace function core.probe_cron_failures(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select count(*)
          from core.cron_status as s
         where s.is_enabled
           and (s.last_ok = false
                -- a session that died wrote no end
                or (s.last_started_at < clock_timestamp() - interval '1 hour' and s.last_finished_at is null)));
end
$fn$;

revoke execute on function core.probe_cron_failures(integer, text) from public;
grant execute on function core.probe_cron_failures(integer, text) to app_definer;

comment on function core.probe_cron_failures(integer, text) is
    'Probe: scheduled jobs whose last run failed, or began an hour ago and has not ended. Errors: none.';

-- Requests are the samples of a metric: whoever measures response times has counted them.

create or replace function core.probe_error_rate(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_requests bigint := (
        select count(*)
          from core.metric_samples as s
         where s.name = coalesce(p_argument, 'response_ms')
           and s.created_at > clock_timestamp() - make_interval(mins => p_minutes));
begin
    return 100 * core.probe_errors(p_minutes) / nullif(v_requests, 0);
end
$fn$;

revoke execute on function core.probe_error_rate(integer, text) from public;
grant execute on function core.probe_error_rate(integer, text) to app_definer;

comment on function core.probe_error_rate(integer, text) is
    'Probe: errors in the last p_minutes, in percent of the samples of metric p_argument (response_ms); null without samples. Errors: none.';

create or replace function core.probe_errors(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select count(*) from core.error_events as e where e.created_at > clock_timestamp() - make_interval(mins => p_minutes));
end
$fn$;

revoke execute on function core.probe_errors(integer, text) from public;
grant execute on function core.probe_errors(integer, text) to app_definer;

comment on function core.probe_errors(integer, text) is
    'Probe: errors in the last p_minutes. Errors: none.';

create or replace function core.probe_metric_avg(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select avg(s.value)
          from core.metric_samples as s
         where s.name = p_argument
           and s.created_at > clock_timestamp() - make_interval(mins => p_minutes));
end
$fn$;

revoke execute on function core.probe_metric_avg(integer, text) from public;
grant execute on function core.probe_metric_avg(integer, text) to app_definer;

comment on function core.probe_metric_avg(integer, text) is
    'Probe: mean of metric p_argument in the last p_minutes, such as the processor of the host; null without samples. Errors: none.';

create or replace function core.probe_metric_p95(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select percentile_cont(0.95) within group (order by s.value)
          from core.metric_samples as s
         where s.name = p_argument
           and s.created_at > clock_timestamp() - make_interval(mins => p_minutes));
end
$fn$;

revoke execute on function core.probe_metric_p95(integer, text) from public;
grant execute on function core.probe_metric_p95(integer, text) to app_definer;

comment on function core.probe_metric_p95(integer, text) is
    'Probe: 95th percentile of metric p_argument in the last p_minutes; null without samples. Errors: none.';

-- A mail server that is down lets every message be tried and put off: who waits for a retry counts, who waits for a date does not.

create or replace function core.probe_queue_depth(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select coalesce(sum(h.ready + h.retrying), 0)
          from core.queue_health as h
         where p_argument is null
            or h.job_type = any (string_to_array(p_argument, ',')));
end
$fn$;

revoke execute on function core.probe_queue_depth(integer, text) from public;
grant execute on function core.probe_queue_depth(integer, text) to app_definer;

comment on function core.probe_queue_depth(integer, text) is
    'Probe: jobs that wait for a worker or for another attempt, of the types p_argument lists between commas, or of all. Errors: none.';

-- A backup nobody restored is a hope.

create or replace function core.probe_restore_age(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select coalesce(extract(epoch from clock_timestamp() - max(v.verified_at)) / 86400, 'Infinity')
          from core.restore_verifications as v
         where v.ok);
end
$fn$;

revoke execute on function core.probe_restore_age(integer, text) from public;
grant execute on function core.probe_restore_age(integer, text) to app_definer;

comment on function core.probe_restore_age(integer, text) is
    'Probe: days since a backup was restored and compared, Infinity when none ever was. Errors: none.';

create or replace function core.probe_rls_gaps(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select count(*) from core.rls_coverage as c where not (c.rls_enabled and c.rls_forced and c.policy_count > 0));
end
$fn$;

revoke execute on function core.probe_rls_gaps(integer, text) from public;
grant execute on function core.probe_rls_gaps(integer, text) to app_definer;

comment on function core.probe_rls_gaps(integer, text) is
    'Probe: tables without row security, without force or without a policy. Errors: none.';

-- Without pg_stat_statements there is no data, which is not the same as no slow statement.

create or replace function core.probe_slow_statements(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (select count(*) from core.statement_statistics() as s where s.mean_ms > 100);
exception
    when sqlstate 'PT503' then
        return null;
end
$fn$;

revoke execute on function core.probe_slow_statements(integer, text) from public;
grant execute on function core.probe_slow_statements(integer, text) to app_definer;

comment on function core.probe_slow_statements(integer, text) is
    'Probe: statements of this database with a mean over 100 ms; null without pg_stat_statements. Errors: none.';

-- A dump is one long transaction by nature.

create or replace function core.probe_slowest_transaction(p_minutes integer, p_argument text default null) returns double precision
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return (
        select coalesce(max(extract(epoch from clock_timestamp() - a.xact_start)), 0) * 1000
          from pg_stat_activity as a
         where a.backend_type = 'client backend'
           and a.pid <> pg_backend_pid()
           and a.usename <> 'dbkit_backup');
end
$fn$;

revoke execute on function core.probe_slowest_transaction(integer, text) from public;
grant execute on function core.probe_slowest_transaction(integer, text) to app_definer;

comment on function core.probe_slowest_transaction(integer, text) is
    'Probe: age of the oldest open transaction in milliseconds, backups left out. Errors: none.';

create or replace function core.promote_jobs(p_limit integer default 1000) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
declare
    -- as variables, since what may change during a statement is no boundary for an index
    v_now   timestamptz := clock_timestamp();
    v_from  timestamptz := core.from_epoch_us(coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0));
    v_moved integer;
    v_low   bigint;
begin
    if not pg_try_advisory_xact_lock(1685874538, 0) then
        return 0;
    end if;
    with due as materialized (
        select s.ctid as place
          from core.jobs_scheduled as s
         where s.scheduled_at >= v_from
           and s.scheduled_at <= v_now
         order by s.scheduled_at
         limit p_limit
           for update skip locked
    ), gone as (
        delete from core.jobs_scheduled as s
         where s.ctid = any (array(select due.place from due))
     returning s.*
    ), added as (
        insert into core.jobs_ready (
            tag, scheduled_at, created_at, lane_id, priority, retry_count, max_retries, lease_seconds, id, tenant_id, created_by, job_type,
            dedupe_key, error_message, payload)
        -- a place is asked for when the job before has been inserted, and is behind it
        select case when q.is_fair then (core.fair_places(l, g.tenant_id, g.priority))[1] else core.epoch_us(g.scheduled_at) end,
               g.scheduled_at, g.created_at, g.lane_id, g.priority, g.retry_count, g.max_retries, g.lease_seconds, g.id, g.tenant_id,
               g.created_by, g.job_type, g.dedupe_key, g.error_message, g.payload
          from gone as g
          join core.queue_lanes as l on l.id = g.lane_id
          join core.queues as q on q.name = l.queue
         order by g.scheduled_at
        returning tag, lane_id, scheduled_at
    ), lowered as (
        select setval(l.mark, first.tag)
          from (select a.lane_id, min(a.tag) as tag from added as a group by a.lane_id) as first
          join core.queue_lanes as l on l.id = first.lane_id
         where first.tag < pg_sequence_last_value(l.mark)
    )
    select count(*), core.epoch_us(max(a.scheduled_at)), (select count(*) from lowered) into v_moved, v_low from added as a;
    -- all that were due before have gone, but for those that somebody holds: they keep the mark where it is
    perform setval('core.queue_scheduled_low', least(v_low, core.epoch_us(v_now)))
      where v_moved > 0
        and not exists (
            select
              from core.jobs_scheduled as s
             where s.scheduled_at >= v_from
               and core.epoch_us(s.scheduled_at) < v_low
               and s.scheduled_at < core.from_epoch_us(v_low));
    return v_moved;
end
$fn$;

alter function core.promote_jobs(integer) owner to app_definer;
revoke execute on function core.promote_jobs(integer) from public;

comment on function core.promote_jobs(integer) is
    'Move scheduled jobs whose time has come to where workers look, in order; one caller at a time, the others get 0. Returns how many. '
    'Idempotent. Errors: none.';

create or replace function core.purge_idempotency_keys(p_batch integer default 20000) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_removed integer;
begin
    delete from core.idempotency_keys as k
     where k.ctid = any (array(
               select expired.ctid
                 from core.idempotency_keys as expired
                where expired.expires_at <= clock_timestamp()
                order by expired.expires_at
                limit p_batch
                  for update skip locked));
    get diagnostics v_removed = row_count;
    return v_removed;
end
$fn$;

alter function core.purge_idempotency_keys(integer) owner to app_definer;
revoke execute on function core.purge_idempotency_keys(integer) from public;

comment on function core.purge_idempotency_keys(integer) is
    'Remove at most p_batch expired keys; returns how many. For cron; safe in parallel. Idempotent. Errors: none.';

-- History leaves by whole days. The parent's lock is asked for with little patience, since whoever waits for it makes all claims wait, and
-- last, since whoever has it does so until the transaction ends.

create or replace function core.purge_jobs(p_keep interval default '30 days') returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '250ms'
as $fn$
declare
    v_before timestamptz := clock_timestamp() - p_keep;
    v_day    text;
    v_start  timestamptz;
    v_days   text[] := '{}';
    v_counts bigint[] := '{}';
    v_count  bigint;
    v_jobs   bigint;
begin
    if p_keep is null or p_keep < interval '0' then
        perform core.raise_error('PT400', 'bad_request', 'A period to keep jobs is zero or more.');
    end if;
    if not pg_try_advisory_xact_lock(1685874540, 0) then
        return 0;
    end if;
    for v_day in
        select right(c.relname, 8)
          from pg_inherits as i
          join pg_class as c on c.oid = i.inhrelid
         where i.inhparent = 'core.job_envelopes'::regclass and c.relname ~ '^job_envelopes_[0-9]{8}$'
         order by c.relname
    loop
        v_start := to_date(v_day, 'YYYYMMDD')::timestamp at time zone 'UTC';
        continue when v_start + interval '1 day' > v_before
            or exists (select from core.job_leases as l where l.claimed_at >= v_start and l.claimed_at < v_start + interval '1 day');
        begin
            execute format('select coalesce(sum(cardinality(e.jobs)), 0) from core.%I as e', 'job_envelopes_' || v_day) into v_jobs;
            v_days := v_days || v_day;
            v_counts := v_counts || v_jobs;
        exception
            when lock_not_available then null;
        end;
    end loop;
    begin
        with gone as (
            delete from core.job_envelopes_default as e
             where e.claimed_at < v_before
               and not exists (select from core.job_leases as l where l.id = e.id and l.claimed_at = e.claimed_at)
         returning cardinality(e.jobs) as jobs
        ), outcome as (
            delete from core.jobs_done_default as d
             where d.claimed_at < v_before
               and not exists (select from core.job_leases as l where l.id = d.lease_id and l.claimed_at = d.claimed_at)
        ), dead as (
            delete from core.jobs_dead as x
             where x.ctid = any (array(
                    select old.ctid
                      from core.jobs_dead as old
                     where old.finished_at < v_before
                       -- whoever holds one brings it back, or leaves it for the next call
                       for update skip locked))
         returning 1 as jobs
        )
        select (select coalesce(sum(gone.jobs), 0) from gone) + (select count(*) from dead) into v_count;
    exception
        -- somebody makes a partition, and has the default one until then: the next call forgets what is in it
        when lock_not_available then v_count := 0;
    end;

    perform core.ensure_job_partitions();
    for v_day, v_jobs in select old.day, old.jobs from unnest(v_days, v_counts) as old (day, jobs) loop
        begin
            execute format('drop table if exists core.%I', 'job_envelopes_' || v_day);
            execute format('drop table if exists core.%I', 'jobs_done_' || v_day);
            v_count := v_count + v_jobs;
        exception
            when lock_not_available then null;
        end;
    end loop;
    return v_count;
end
$fn$;

alter function core.purge_jobs(interval) owner to app_definer;
revoke execute on function core.purge_jobs(interval) from public;

comment on function core.purge_jobs(interval) is
    'Forget jobs that ended longer ago than p_keep: days of finished ones as whole partitions, failed and cancelled ones by row. Returns how '
    'many. Idempotent, and safe in parallel: one caller at a time, the others get 0; a day somebody reads, or a job somebody holds, is left for the next call. Errors: PT400 no period.';

-- One statement, so a crash loses nothing and a second run beside it finds nothing left. Readers never wait for it.

create or replace function core.purge_outbox(p_keep interval default '7 days') returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_purged bigint;
begin
    if p_keep is null or p_keep < '0' then
        perform core.raise_error('PT400', 'bad_request', 'Events are kept for an interval that is not negative.');
    end if;

    delete from core.outbox_events as e where e.published_at < clock_timestamp() - p_keep;
    get diagnostics v_purged = row_count;
    return v_purged;
end
$fn$;

alter function core.purge_outbox(interval) owner to app_definer;
revoke execute on function core.purge_outbox(interval) from public;
grant execute on function core.purge_outbox(interval) to app_owner;

comment on function core.purge_outbox(interval) is
    'Delete events published longer ago than p_keep (7 days), from all tenants, and return how many. Idempotent, safe in parallel. '
    'For cron. Errors: PT400 no interval, or a negative one.';

-- Keys nobody used for two windows, and the keys of policies that are gone. Rows in use are skipped: no request waits for the purge.

create or replace function core.purge_rate_limits(p_batch integer default 20000) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_removed integer;
begin
    delete from core.rate_limits as r
     where r.ctid = any (array(
               select idle.ctid
                 from core.rate_limits as idle
                 left join core.rate_limit_policies as p
                   on p.name = idle.policy
                where p.name is null
                   or idle.updated_at < clock_timestamp() - 2 * p.window_seconds * interval '1 second'
                limit p_batch
                  for update of idle skip locked));
    get diagnostics v_removed = row_count;

    delete from core.rate_limit_violations as v
     where v.id = any (array(
               select old.id
                 from core.rate_limit_violations as old
                where old.created_at < now() - interval '30 days'
                order by old.created_at
                limit p_batch
                  for update skip locked));
    return v_removed;
end
$fn$;

alter function core.purge_rate_limits(integer) owner to app_definer;
revoke execute on function core.purge_rate_limits(integer) from public;

comment on function core.purge_rate_limits(integer) is
    'Remove at most p_batch idle keys, and violations older than 30 days; returns the keys removed. For cron; safe in parallel. Idempotent. '
    'Errors: none.';

-- One hand for seeds and projects. Whether a job is on is the operator's: it stays as it is.

create or replace function core.put_cron_job(
    p_name text, p_schedule text, p_command text, p_system text, p_description text default '', p_run_mode text default 'sql'
) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    insert into core.cron_jobs as j (name, schedule, command, system, description, run_mode)
    values (p_name, p_schedule, p_command, p_system, p_description, p_run_mode)
    on conflict (name) do update
       set schedule = excluded.schedule,
           command = excluded.command,
           system = excluded.system,
           description = excluded.description,
           run_mode = excluded.run_mode
     where (j.schedule, j.command, j.system, j.description, j.run_mode)
           is distinct from (excluded.schedule, excluded.command, excluded.system, excluded.description, excluded.run_mode);
end
$fn$;

revoke execute on function core.put_cron_job(text, text, text, text, text, text) from public;
grant execute on function core.put_cron_job(text, text, text, text, text, text) to app_definer;

comment on function core.put_cron_job(text, text, text, text, text, text) is
    'Add a scheduled job or restore its schedule and command; for seeds and migrations, which run as app_definer or app_owner. Register it '
    'with core.sync_cron. Idempotent. Errors: 23514 malformed name, schedule or command.';

create or replace function core.put_queue(p_name text, p_is_fair boolean default false, p_max_running integer default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_queue core.queues;
begin
    if p_is_fair is null or p_name is null or p_name !~ '^[a-z][a-z0-9_-]{0,62}$' or p_max_running <= 0 then
        perform core.raise_error('PT422', 'invalid', 'A queue has a name of lower-case letters, digits, _ and -, and a positive limit or none.');
    end if;
    -- one at a time: two queues may not take one mark
    perform pg_advisory_xact_lock(hashtextextended('core.queue_lanes', 0));
    insert into core.queues (name, is_fair) values (p_name, p_is_fair) on conflict (name) do nothing;
    select q.* into v_queue from core.queues as q where q.name = p_name for no key update;
    if v_queue.is_fair <> p_is_fair and exists (
        select
          from core.queue_lanes as l
         where l.queue = p_name
           and (exists (select from core.jobs_ready as r where r.lane_id = l.id)
                or exists (select from core.jobs_scheduled as s where s.lane_id = l.id)
                or exists (select from core.jobs_dead as x where x.lane_id = l.id)
                or exists (select from core.job_leases as h where h.queue = p_name)))
    then
        perform core.raise_error('PT409', 'conflict', 'A queue that holds jobs cannot change between fair and not: make another one.');
    end if;
    update core.queues as q
       set is_fair = p_is_fair,
           max_running = p_max_running,
           lease_low = case when p_max_running is not null then coalesce(q.lease_low, (
                select c.oid
                  from pg_class as c
                 where c.relnamespace = 'core'::regnamespace
                   and c.relkind = 'S'
                   and c.relname like 'queue\_mark\_%'
                   and not exists (select from core.queue_lanes as l where l.mark = c.oid)
                   and not exists (select from core.queues as other where other.lease_low = c.oid)
                 order by c.relname desc
                 limit 1)) end
     where q.name = p_name
    returning q.* into v_queue;
    -- leases claimed without counting may still live
    perform setval(v_queue.lease_low, 0);
    perform core.lane_of(p_name, 0);
end
$fn$;

alter function core.put_queue(text, boolean, integer) owner to app_definer;
revoke execute on function core.put_queue(text, boolean, integer) from public;
grant execute on function core.put_queue(text, boolean, integer) to app_platform_admin;

comment on function core.put_queue(text, boolean, integer) is
    'Make a queue or change it: fair (tenants take turns by core.put_queue_weight) or first in, first out; with an exact limit of running '
    'jobs or none. Idempotent. Errors: PT409 change between fair and not while it holds jobs, PT422 a name or limit that is none.';

create or replace function core.put_queue_weight(p_tenant uuid, p_weight numeric) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_weight is null or p_weight not between 0.01 and 1000 then
        perform core.raise_error('PT422', 'invalid', 'A weight is from 0.01 to 1000.', '{"weight": "must be from 0.01 to 1000"}');
    end if;
    perform from core.tenants as t where t.id = p_tenant for key share;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no such tenant.');
    end if;
    insert into core.queue_weights as w (tenant_id, weight)
    values (p_tenant, p_weight)
    on conflict (tenant_id) do update set weight = excluded.weight;
end
$fn$;

alter function core.put_queue_weight(uuid, numeric) owner to app_definer;
revoke execute on function core.put_queue_weight(uuid, numeric) from public;
grant execute on function core.put_queue_weight(uuid, numeric) to app_platform_admin;

comment on function core.put_queue_weight(uuid, numeric) is
    'How many turns a tenant gets in fair queues while others get one; counts for jobs queued from now on. Idempotent. '
    'Errors: PT404 no such tenant, PT422 weight out of range.';

-- Claims of a queue with a limit wait for each other at its row: whoever counts has seen every lease of those before it. The mark outlives a
-- rollback, so only a transaction that has ended no lease itself may raise it; core.requeue_expired_leases does so each minute.

create or replace function core.queue_room(p_queue text) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
declare
    v_is_new  boolean := pg_current_xact_id_if_assigned() is null;
    v_queue   core.queues;
    v_low     bigint;
    v_running bigint;
    v_first   bigint;
begin
    select q.* into v_queue from core.queues as q where q.name = p_queue for no key update;
    v_low := coalesce(pg_sequence_last_value(v_queue.lease_low), 0);
    -- leases of this queue get their ids one after the other here, so below the oldest living one there are none any more
    select coalesce(sum(l.open_count), 0), min(l.id)
      into v_running, v_first
      from core.job_leases as l
     where l.id >= v_low
       and l.queue = p_queue;
    perform setval(v_queue.lease_low, v_first) where v_is_new and v_first > v_low;
    return greatest(v_queue.max_running - v_running, 0);
end
$fn$;

alter function core.queue_room(text) owner to app_definer;
revoke execute on function core.queue_room(text) from public;

comment on function core.queue_room(text) is
    'How many jobs of a limited queue may start now; the answer stays true until the transaction ends. Idempotent. Errors: none.';

-- One hand for the error contract: code PTnnn (nnn is the HTTP status), a stable key as message, text for people, data for machines.

create or replace function core.raise_error(
    p_sqlstate text, p_key text, p_detail text, p_hint text default null
) returns void
    language plpgsql stable parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    -- RAISE takes no null option.
    if p_hint is null then
        raise exception using errcode = p_sqlstate, message = p_key, detail = p_detail;
    end if;
    raise exception using errcode = p_sqlstate, message = p_key, detail = p_detail, hint = p_hint;
end
$fn$;

revoke execute on function core.raise_error(text, text, text, text) from public;
grant execute on function core.raise_error(text, text, text, text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.raise_error(text, text, text, text) is
    'Raise an error of the contract: SQLSTATE PTnnn, a snake_case key as message, a sentence as detail, JSON as hint where useful. '
    'Errors: the one asked for.';

-- A claim of one lane and all types raises its mark itself (core.next_jobs); this is for the others.

create or replace function core.raise_marks(p_jobs core.jobs_ready[], p_is_complete boolean) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
begin
    perform setval(claimed.sequence, low.tag)
       from (
            -- the mark on a level of its own, or it would be no boundary for the index
            select job.lane_id, l.mark as sequence, coalesce(pg_sequence_last_value(l.mark), -9223372036854775808) as mark, min(job.tag) as tag
              from unnest(p_jobs) as job
              join core.queue_lanes as l on l.id = job.lane_id
             group by job.lane_id, l.mark
            offset 0) as claimed
       cross join lateral (
            -- a claim of some types says nothing of the others, whose jobs may wait before it
            select coalesce(
                (select r.tag
                   from core.jobs_ready as r
                  where not p_is_complete
                    and r.lane_id = claimed.lane_id
                    and r.tag >= claimed.mark
                    and r.tag < claimed.tag
                  order by r.tag
                  limit 1),
                claimed.tag) as tag) as low
      where low.tag > claimed.mark;
end
$fn$;

alter function core.raise_marks(core.jobs_ready[], boolean) owner to app_definer;
revoke execute on function core.raise_marks(core.jobs_ready[], boolean) from public;

comment on function core.raise_marks(core.jobs_ready[], boolean) is
    'Let the next claims begin where this one did; p_is_complete: it took every type of job. Idempotent. Errors: none.';

-- gen_random_uuid draws from the server's strong random source; two of them give each of the four blocks 244 bits.

create or replace function core.random_context_key() returns bytea
    language sql volatile
begin atomic
    select string_agg(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), ''::bytea)
      from generate_series(1, 4) as block (n);
end;

alter function core.random_context_key() owner to app_definer;
revoke execute on function core.random_context_key() from public;

comment on function core.random_context_key() is
    'A fresh 128-byte secret for core.context_keys. Internal. Another with each call. Errors: none.';

-- A refusal reads one row, so whoever hammers pays with a look-up. Anything else goes through core.count_request, where the row lock
-- makes check and count one.

create or replace function core.rate_limit(p_policy text, p_key text default null, p_is_recorded boolean default true)
returns table (allowed boolean, max_requests integer, remaining integer, retry_after integer, reset_at timestamptz)
    language plpgsql volatile
    security definer
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key      text;
    v_refusals bigint;
    v_is_due   boolean;
begin
    -- Whatever PL/pgSQL evaluates by itself is prepared anew in every transaction, at a microsecond apiece: hence one question for all that
    -- is unusual, and one statement for the answer.
    if p_key is null or current_setting('app.user_id', true) <> '' or current_setting('transaction_read_only') = 'on' then
        -- A standby has no unlogged tables, a read-only transaction cannot count.
        if current_setting('transaction_read_only') = 'on' then
            return query select * from core.rate_limit_degraded(p_policy, 'the transaction is read-only');
            return;
        end if;
        v_key := core.rate_limit_key(p_policy, p_key);
    end if;
    -- No row: not refused. A row of the future was counted before the clock was set back, and binds nobody.
    select false,
           r.max_requests,
           0,
           ceil(date_part('epoch', r.next_at - clock_timestamp()))::integer,
           r.next_at,
           nextval('core.rate_limit_refusals'),
           p_is_recorded and (r.recorded_until > clock_timestamp()) is not true
      into allowed, max_requests, remaining, retry_after, reset_at, v_refusals, v_is_due
      from core.rate_limits as r
     where r.policy = p_policy
       and r.key = coalesce(v_key, 'anon:' || p_key)
       and r.next_at > clock_timestamp()
       and r.updated_at <= clock_timestamp() + interval '1 minute';
    if v_is_due is not false then
        if not found then
            return query select * from core.count_request(p_policy, coalesce(v_key, 'anon:' || p_key));
            return;
        end if;
        perform core.record_violation(p_policy, coalesce(v_key, 'anon:' || p_key), retry_after);
    end if;
    return next;
end
$fn$;

alter function core.rate_limit(text, text, boolean) owner to app_definer;
revoke execute on function core.rate_limit(text, text, boolean) from public;
grant execute on function core.rate_limit(text, text, boolean) to app_user, app_anon;

comment on function core.rate_limit(text, text, boolean) is
    'Count a request under a policy, and say whether it is allowed. The key defaults to the signed-in user, else the client address of the '
    'context; a key of the caller''s own counts within its tenant. A refused request is not counted and only reads, but for the first in a '
    'window, which is recorded. reset_at: when a refused caller may come again, else when the oldest counted request leaves the window '
    '(gcra: when all have drained). Where the limiter cannot answer, remaining is null and a notice says rate_limit_degraded. Each call '
    'counts; a rollback takes the count back. Errors: PT400 neither user nor address nor key, or a key over 255 characters, PT422 no such '
    'policy.';

-- A limiter that fails must not take the service with it, except where a policy says that unlimited is worse than unavailable.

create or replace function core.rate_limit_degraded(p_policy text, p_why text)
returns table (allowed boolean, max_requests integer, remaining integer, retry_after integer, reset_at timestamptz)
    language plpgsql stable
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    select p.fail_mode = 'open', p.max_requests
      into allowed, max_requests
      from core.rate_limit_policies as p
     where p.name = p_policy;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no such rate limit policy.', '{"policy": "is not known"}');
    end if;
    raise notice 'rate_limit_degraded'
        using detail = format('Policy %s could not be applied: %s.', p_policy, p_why);
    if allowed then
        retry_after := 0;
    else
        remaining := 0;
        retry_after := 1;
        reset_at := clock_timestamp() + interval '1 second';
    end if;
    return next;
end
$fn$;

alter function core.rate_limit_degraded(text, text) owner to app_definer;
revoke execute on function core.rate_limit_degraded(text, text) from public;

comment on function core.rate_limit_degraded(text, text) is
    'The answer of a policy when the limiter cannot tell: allowed where it fails open, else refused for a second, with a notice. Internal. '
    'Errors: PT422 no such policy.';

-- A caller's key lives in the caller's own room: nobody spends what another tenant has left, or learns of it.
-- The seal is only worth its hash when the request says to be somebody's.

-- dbkit: allow function_search_path_mutable because core.rate_limit alone calls it and has set one, and setting it costs a tenth of a refusal
create or replace function core.rate_limit_key(p_policy text, p_key text) returns text
    language plpgsql stable
as $fn$
declare
    v_is_signed_in boolean := coalesce(current_setting('app.user_id', true), '') <> '';
    v_user         text;
    v_ip           text;
    v_kind         text;
begin
    if v_is_signed_in then
        v_user := 'user:' || core.current_user_id();
    end if;
    if p_key is not null then
        return coalesce('tenant:' || core.active_tenant_id(), v_user, 'anon') || ':' || p_key;
    end if;

    select p.subject_kind into v_kind from core.rate_limit_policies as p where p.name = p_policy;
    if v_kind = 'global' then
        return 'global';
    elsif v_kind = 'user' and v_user is not null then
        return v_user;
    end if;
    v_ip := 'ip:' || host(core.client_ip());
    return coalesce(v_ip, v_user);
end
$fn$;

alter function core.rate_limit_key(text, text) owner to app_definer;
revoke execute on function core.rate_limit_key(text, text) from public;

comment on function core.rate_limit_key(text, text) is
    'Whose request it is, as core.rate_limits stores it; null when nobody can be told. Internal. Errors: none.';

-- The error undoes what the transaction wrote, so there is nothing to record here: core.rate_limit_refusals counts in spite of it.

create or replace function core.rate_limit_or_raise(p_policy text, p_key text default null) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_answer record;
begin
    select r.* into v_answer from core.rate_limit(p_policy, p_key, false) as r;
    if not v_answer.allowed then
        perform core.raise_error(
            'PT429', 'rate_limited', 'Too many requests; try again later.',
            jsonb_build_object(
                'retry_after', v_answer.retry_after,
                'limit', v_answer.max_requests,
                'remaining', 0)::text);
    end if;
end
$fn$;

revoke execute on function core.rate_limit_or_raise(text, text) from public;
grant execute on function core.rate_limit_or_raise(text, text) to app_user, app_anon, app_definer;

comment on function core.rate_limit_or_raise(text, text) is
    'Count a request under a policy and refuse it by an error when there are too many; the first line of a sensitive function. Each call '
    'counts. Errors: PT429 too many (the hint has retry_after in seconds, limit and remaining), PT400 neither user nor address nor key, '
    'PT422 no such policy.';

create or replace function core.rate_limit_refusal_count() returns bigint
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    select case when s.is_called then s.last_value else 0 end from core.rate_limit_refusals as s;
end;

alter function core.rate_limit_refusal_count() owner to app_definer;
revoke execute on function core.rate_limit_refusal_count() from public;
grant execute on function core.rate_limit_refusal_count() to app_monitor, app_platform_admin;

comment on function core.rate_limit_refusal_count() is
    'Requests refused under all policies since the server last crashed, also those whose transaction was undone. Reads only. Errors: none.';

create or replace function core.rate_limit_report(p_since interval default '1 hour')
returns table (policy text, violations bigint, keys bigint, last_at timestamptz)
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    select p.name, count(v.id), count(distinct v.key), max(v.created_at)
      from core.rate_limit_policies as p
      left join core.rate_limit_violations as v
        on v.policy = p.name
       and v.created_at > now() - p_since
     group by p.name
     order by p.name;
end;

alter function core.rate_limit_report(interval) owner to app_definer;
revoke execute on function core.rate_limit_report(interval) from public;
grant execute on function core.rate_limit_report(interval) to app_monitor, app_platform_admin;

comment on function core.rate_limit_report(interval) is
    'Per policy how often keys ran into the limit (once a key and window), and how many keys, in the last p_since. Reads only. Errors: none.';

-- Runs through row security, so a tenant's events are all it can return. Volatile on purpose: the rows are looked at after the
-- question which of them are settled, not with the snapshot from before it.

create or replace function core.read_events(p_channel text, p_after bigint default 0, p_limit integer default 100)
returns setof core.outbox_events
    language plpgsql volatile parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant  uuid := core.require_tenant();
    v_limit   integer := least(greatest(coalesce(p_limit, 100), 1), 1000);
    v_settled bigint;
begin
    if p_channel is null then
        perform core.raise_error('PT422', 'invalid', 'Name the channel to read.', '{"channel": "missing"}');
    elsif current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        perform core.raise_error('PT400', 'bad_request', 'Events are read in a READ COMMITTED transaction: an older snapshot would skip some.');
    elsif pg_is_in_recovery() then
        perform core.raise_error('PT503', 'unavailable', 'Events are read on the primary: a standby does not know what is still being written.');
    end if;

    -- Mostly there is nothing, and that must cost nothing: what is settled takes a look at the locks of the server. The newest id is
    -- one step in the index; "exists (… id > p_after)" would be planned as if a match were near, and read the table to find none.
    if coalesce((
            select e.id
              from core.outbox_events as e
             where e.tenant_id = v_tenant and e.channel = p_channel
             order by e.id desc
             limit 1), 0) <= coalesce(p_after, 0) then
        return;
    end if;
    v_settled := core.settled_event_id();
    return query
        select e.tenant_id, e.id, e.channel, e.event, e.entity_type, e.entity_id, e.payload, e.created_at, e.published_at
          from core.outbox_events as e
         where e.tenant_id = v_tenant
           and e.channel = p_channel
           and e.id > coalesce(p_after, 0)
           and e.id <= v_settled
         order by e.id
         limit v_limit;
end
$fn$;

revoke execute on function core.read_events(text, bigint, integer) from public;
grant execute on function core.read_events(text, bigint, integer) to app_user, app_readonly, app_worker;

comment on function core.read_events(text, bigint, integer) is
    'Events of a channel of the active tenant with ids above p_after (0: from the oldest kept), in their order, 100 or up to 1,000. '
    'Resume with the last id returned: none is lost and none comes twice, however late its transaction commits. An event behind one '
    'that is still being written in this tenant waits for it. Reads only. Errors: PT400 not in a READ COMMITTED transaction, PT401 '
    'nobody is signed in, PT403 no tenant named, PT422 no channel, PT503 on a standby.';

-- A whole-row reference needs SELECT on every column, which column grants withhold.

create or replace function core.readable_columns(p_table regclass, p_alias text) returns text
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return string_agg(format('%I.%I', p_alias, a.attname), ', ' order by a.attnum)
      from pg_attribute as a
     where a.attrelid = p_table
       and a.attnum > 0
       and not a.attisdropped
       and has_column_privilege(p_table, a.attnum, 'select');
end
$fn$;

revoke execute on function core.readable_columns(regclass, text) from public;
grant execute on function core.readable_columns(regclass, text) to app_user, app_renter, app_definer;

comment on function core.readable_columns(regclass, text) is
    'The columns of a table the current role may read, as a select list. Internal. Errors: none.';

-- Counts per address typed, whether or not it has an account, so the answer says nothing about accounts. While locked even a right
-- password is refused: otherwise guessing could simply go on. The refused attempt itself is rolled back with the error.
-- Policy `login` says how many failures; policy `ip` binds an address that tries many accounts.

create or replace function core.record_login(p_email text, p_ok boolean, p_reason text default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_email   text := lower(p_email);
    v_limit   integer;
    v_window  interval;
    v_failure timestamptz;
begin
    if p_ok is null or not coalesce(core.is_valid_email(v_email), false) then
        perform core.raise_error('PT422', 'invalid', 'A sign-in attempt needs a valid e-mail address and an outcome.');
    end if;

    if core.client_ip() is not null then
        perform core.rate_limit_or_raise('ip');
    end if;
    select p.max_requests, p.window_seconds * interval '1 second'
      into strict v_limit, v_window
      from core.rate_limit_policies as p
     where p.name = 'login';

    -- Parallel guesses count one after the other.
    perform pg_advisory_xact_lock(hashtextextended('core.login_attempts:' || v_email, 0));
    select a.created_at
      into v_failure
      from core.login_attempts as a
     where a.email = v_email
       and not a.succeeded
       and a.created_at > clock_timestamp() - v_window
       and a.created_at > coalesce(
            (select max(ok.created_at) from core.login_attempts as ok where ok.email = v_email and ok.succeeded), '-infinity')
     order by a.created_at desc
    offset v_limit - 1
     limit 1;
    if found then
        perform core.raise_error(
            'PT429', 'rate_limited', 'Too many failed sign-ins for this address.',
            jsonb_build_object(
                'retry_after', ceil(extract(epoch from v_failure + v_window - clock_timestamp()))::integer,
                'limit', v_limit,
                'remaining', 0)::text);
    end if;

    insert into core.login_attempts (email, user_id, client_ip, succeeded, reason, created_at)
    values (v_email, (select u.id from core.users as u where u.email = v_email), core.client_ip(), p_ok, p_reason, clock_timestamp());
end
$fn$;

alter function core.record_login(text, boolean, text) owner to app_definer;
revoke execute on function core.record_login(text, boolean, text) from public;
grant execute on function core.record_login(text, boolean, text) to app_anon;

comment on function core.record_login(text, boolean, text) is
    'Record a sign-in attempt; a success forgives the failures before it. Each call records. Errors: PT422 malformed address, PT429 too many '
    'failures by policy login, five in 15 minutes as shipped, or too many attempts of the client address by policy ip (the hint has '
    'retry_after in seconds).';

create or replace function core.record_metric(p_name text, p_value double precision, p_labels jsonb default '{}') returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_name !~ '^[a-z][a-z0-9_]{0,62}$' or num_nulls(p_name, p_value, p_labels) > 0
        -- larger ones would overflow the mean of an hour, for everybody; greater than any number is NaN
        or abs(p_value) > 1e30
        -- a row of the hour has to fit into its index
        or jsonb_typeof(p_labels) <> 'object' or octet_length(p_labels::text) > 1024 or pg_column_size(p_labels || '{}') > 2048 then
        perform core.raise_error('PT400', 'bad_request', 'A sample needs a name in snake_case, a number up to 1e30 and an object of labels up to 1 kB.');
    end if;

    insert into core.metric_samples (name, value, labels, tenant_id, created_at)
    values (p_name, p_value, p_labels, core.active_tenant_id(), clock_timestamp());
end
$fn$;

alter function core.record_metric(text, double precision, jsonb) owner to app_definer;
revoke execute on function core.record_metric(text, double precision, jsonb) from public;
grant execute on function core.record_metric(text, double precision, jsonb) to app_user, app_renter, app_worker, app_monitor;

comment on function core.record_metric(text, double precision, jsonb) is
    'Store one measurement, with the tenant of the transaction where there is one. Each call stores. '
    'Errors: PT400 malformed name, no number or one beyond 1e30, labels no object or over 1 kB.';

-- Once a key and window, and never by waiting: a row that is locked is being counted, or recorded, by somebody else.

create or replace function core.record_violation(p_policy text, p_key text, p_retry_after integer) returns void
    language sql volatile
    set search_path = pg_catalog, pg_temp
begin atomic
    with marked as (
        update core.rate_limits as r
           set recorded_until = clock_timestamp() + p.window_seconds * interval '1 second'
          from core.rate_limit_policies as p
         where p.name = p_policy
           and r.ctid = (
                   select l.ctid
                     from core.rate_limits as l
                    where l.policy = p_policy
                      and l.key = p_key
                      and (l.recorded_until > clock_timestamp()) is not true
                      for update skip locked)
        returning r.policy, r.key
    )
    insert into core.rate_limit_violations (policy, key, tenant_id, retry_after)
    select m.policy, m.key, core.active_tenant_id(), p_retry_after
      from marked as m;
end;

alter function core.record_violation(text, text, integer) owner to app_definer;
revoke execute on function core.record_violation(text, text, integer) from public;

comment on function core.record_violation(text, text, integer) is
    'Record that a key ran into a limit, unless that was done within the window. Internal. Idempotent within the window. Errors: none.';

-- By key name: a value under a key that names a secret is replaced whole, at any depth.

create or replace function core.redact(p_value jsonb) returns jsonb
    language plpgsql immutable parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_secret constant text :=
        'pass(word|wd|phrase|code)?$|passw|secret|token|authorization|bearer|cookie|credential|api[_-]?key|private[_-]?key'
        || '|encryption[_-]?key|access[_-]?key|session[_-]?id|^pin$|^(otp|totp)([_-]|$)|^cvv|^cvc|card[_-]?number|iban|^ssn$|signature'
        || '|pwd|jwt|^auth$|^dsn$|connection[_-]?string|database[_-]?url';
begin
    return case jsonb_typeof(p_value)
        when 'object' then (
            select coalesce(
                       jsonb_object_agg(
                           entry.key,
                           case
                               when entry.key ~* c_secret and entry.value <> 'null' then '"[redacted]"'
                               else core.redact(entry.value)
                           end),
                       '{}')
              from jsonb_each(p_value) as entry)
        when 'array' then (
            select coalesce(jsonb_agg(core.redact(item.value) order by item.position), '[]')
              from jsonb_array_elements(p_value) with ordinality as item (value, position))
        else p_value
    end;
end
$fn$;

revoke execute on function core.redact(jsonb) from public;
grant execute on function core.redact(jsonb) to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.redact(jsonb) is
    'A document with the values of secret keys (password, token, authorization, api_key, …) replaced by [redacted], at any depth. '
    'Idempotent. Errors: none.';

create or replace function core.refuse_payload(p_job_type text, p_payload jsonb, p_is_internal boolean) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_is_internal boolean;
    v_missing     jsonb;
begin
    select t.is_internal into v_is_internal from core.job_types as t where t.job_type = p_job_type;
    if not found then
        perform core.raise_error('PT422', 'invalid', 'There is no job type of this name.', '{"job_type": "unknown"}');
    end if;
    if v_is_internal and not p_is_internal then
        perform core.raise_error(
            'PT403', 'forbidden', 'Jobs of this type are queued by functions of the database alone.', '{"job_type": "internal"}');
    end if;
    if p_payload is null or jsonb_typeof(p_payload) <> 'object' then
        perform core.raise_error('PT422', 'invalid', 'The payload of a job is a JSON object.', '{"payload": "must be an object"}');
    end if;
    -- an envelope carries the payloads of a batch, so one that is too large would stop the jobs behind it as well
    if pg_column_size(p_payload || '{}') > 102400 then
        perform core.raise_error('PT422', 'invalid', 'A payload has at most 100 kB: store files elsewhere and name them.', '{"payload": "must not be larger than 100 kB"}');
    end if;
    if not core.is_plain_json(p_payload) then
        perform core.raise_error(
            'PT422', 'invalid', 'A payload has fewer than 100 levels, numbers up to 1e308 and at most 1 MB as text.', '{"payload": "must be readable by every worker"}');
    end if;
    select jsonb_object_agg('payload.' || required.key, 'is required')
      into v_missing
      from core.job_types as t
     cross join unnest(t.required_keys) as required (key)
     where t.job_type = p_job_type and not p_payload ? required.key;
    if v_missing is not null then
        perform core.raise_error('PT422', 'invalid', 'The payload lacks what jobs of this type need.', v_missing::text);
    end if;
end
$fn$;

alter function core.refuse_payload(text, jsonb, boolean) owner to app_definer;
revoke execute on function core.refuse_payload(text, jsonb, boolean) from public;

comment on function core.refuse_payload(text, jsonb, boolean) is
    'Say what is wrong with a type and its payload. Errors: PT403 an internal type that p_is_internal does not allow, PT422 unknown type, '
    'payload that is no object, lacks a required key, is larger than 100 kB, or that not every worker could read (hint).';

-- Priorities above are the platform's own: what it has to tell stands behind nothing a tenant queues. Said once for core.add_job, which
-- asks by itself whether it has to be said, and core.enqueue_many.

create or replace function core.refuse_priority(p_priority integer, p_is_internal boolean) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if not p_is_internal and p_priority not between -1000 and 1000 then
        perform core.raise_error('PT422', 'invalid', 'A priority is from -1,000 to 1,000.', '{"priority": "must be from -1000 to 1000"}');
    end if;
end
$fn$;

alter function core.refuse_priority(integer, boolean) owner to app_definer;
revoke execute on function core.refuse_priority(integer, boolean) from public;

comment on function core.refuse_priority(integer, boolean) is
    'Stop where an application asks for a priority beyond 1,000; null, the type''s, passes, and what functions of the database ask for. '
    'Errors: PT422.';

-- Said once for core.add_job, which asks by itself whether it has to be said, and core.enqueue_many.

create or replace function core.refuse_run_at(p_run_at timestamptz) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_run_at not between '1970-01-01+00' and '9999-01-01+00' then
        perform core.raise_error('PT422', 'invalid', 'A job is due at a time between the years 1970 and 9999.', '{"run_at": "must be between 1970 and 9999"}');
    end if;
end
$fn$;

alter function core.refuse_run_at(timestamptz) owner to app_definer;
revoke execute on function core.refuse_run_at(timestamptz) from public;

comment on function core.refuse_run_at(timestamptz) is
    'Stop where a job should be due at infinity or in a year that not every client can count with; null passes. Errors: PT422.';

create or replace function core.release_jobs(p_lease bigint, p_jobs uuid[] default null) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_lease core.job_leases;
    v_open  uuid[];
    v_jobs  uuid[];
    v_lowered integer;
begin
    select l.* into v_lease from core.job_leases as l where l.id = p_lease for update;
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The lease has ended or was taken away.', jsonb_build_object('lease_id', p_lease)::text);
    end if;
    select array_agg(job.id)
      into v_open
      from core.job_envelopes as e
     cross join unnest(e.jobs) as job
     where e.id = v_lease.id and e.claimed_at = v_lease.claimed_at and job.id <> all (coalesce(v_lease.settled, '{}'));
    v_jobs := coalesce((select array_agg(distinct given.id) from unnest(p_jobs) as given (id)), case when p_jobs is null then v_open end, '{}');
    if not v_jobs <@ v_open then
        perform core.raise_error(
            'PT409', 'conflict', 'A job named is not in this lease or was settled already.', jsonb_build_object('lease_id', p_lease)::text);
    end if;

    with returned as (
        insert into core.jobs_ready
        select job.*
          from core.job_envelopes as e
         cross join unnest(e.jobs) as job
         where e.id = v_lease.id
           and e.claimed_at = v_lease.claimed_at
           and job.id = any (v_jobs)
           and (job.tenant_id is null or exists (select from core.tenants as t where t.id = job.tenant_id for key share))
        returning lane_id, tag
    )
    select count(setval(l.mark, first.tag))
      into v_lowered
      from (select r.lane_id, min(r.tag) as tag from returned as r group by r.lane_id) as first
      join core.queue_lanes as l on l.id = first.lane_id
     where first.tag < pg_sequence_last_value(l.mark);
    if cardinality(v_jobs) = v_lease.open_count then
        delete from core.job_leases as l where l.id = v_lease.id;
    else
        update core.job_leases as l
           set open_count = l.open_count - cardinality(v_jobs),
               settled = coalesce(l.settled, '{}') || v_jobs
         where l.id = v_lease.id;
    end if;
    perform core.wake_workers(v_lease.queue);
    return cardinality(v_jobs);
end
$fn$;

alter function core.release_jobs(bigint, uuid[]) owner to app_definer;
revoke execute on function core.release_jobs(bigint, uuid[]) from public;
grant execute on function core.release_jobs(bigint, uuid[]) to app_worker;

comment on function core.release_jobs(bigint, uuid[]) is
    'Hand jobs of a lease back (null: all that are open): due at once, in their old place, not counted as a failure. Returns how many. '
    'Not idempotent: the second call is refused. Errors: PT409 the lease is gone or a job named is not open in it.';

-- A worker that fell silent: its jobs go to others. That it died with them counts as a failure of theirs, or a job that kills its worker
-- would do so for ever. A lease that has to wait, for a tenant that is being deleted, is left to the next call: others do not wait for it.

create or replace function core.requeue_expired_leases() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '250ms'
as $fn$
declare
    v_is_new boolean := pg_current_xact_id_if_assigned() is null;
    v_lease  core.job_leases;
    v_count  integer := 0;
begin
    -- what a limited queue's count may begin at; a lease that is being made now has a higher id
    perform setval(oldest.mark, oldest.id)
       from (
        select q.lease_low as mark, min(l.id) as id
          from core.queues as q
          join core.job_leases as l on l.queue = q.name
         where q.lease_low is not null
         group by q.lease_low) as oldest
      where v_is_new and oldest.id > coalesce(pg_sequence_last_value(oldest.mark), 0);
    for v_lease in
        select l.* from core.job_leases as l where l.lease_until < clock_timestamp() order by l.id limit 1000 for update skip locked
    loop
        begin
            perform core.settle_lease(v_lease.id, '{}', (
                select jsonb_agg(jsonb_build_object('id', job.id, 'error', 'lease expired: worker ' || v_lease.worker || ' fell silent', 'retry_after', 0))
                  from core.job_envelopes as e
                 cross join unnest(e.jobs) as job
                 where e.id = v_lease.id and e.claimed_at = v_lease.claimed_at and job.id <> all (coalesce(v_lease.settled, '{}'))), null);
        exception
            when lock_not_available then continue;
        end;
        v_count := v_count + v_lease.open_count;
        perform core.wake_workers(v_lease.queue);
    end loop;
    perform core.promote_jobs();
    -- last: a new partition keeps all claims waiting until the transaction ends
    perform core.ensure_job_partitions();
    return v_count;
end
$fn$;

alter function core.requeue_expired_leases() owner to app_definer;
revoke execute on function core.requeue_expired_leases() from public;
grant execute on function core.requeue_expired_leases() to app_worker, app_platform_admin;

comment on function core.requeue_expired_leases() is
    'Take jobs from workers that let their lease run out: pending again with one retry less, or failed when none is left. Returns how many. '
    'Idempotent, and safe in parallel. Errors: none.';

-- Gate of a mutation, after authentication and before permissions. Definer: a caller need not be able to read other tiers to be told one.

create or replace function core.require_feature(p_feature text) returns void
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tier text;
begin
    perform core.require_tenant();
    if core.has_feature(p_feature) then
        return;
    end if;

    select st.key
      into v_tier
      from core.tenants as t
      join core.subscription_tiers as st on st.system = t.system
      join core.tier_features as tf on tf.system = st.system and tf.tier_key = st.key
     where t.id = core.active_tenant_id()
       and tf.feature_key = p_feature
     order by st.rank, st.key
     limit 1;
    perform core.raise_error('PT402', 'upgrade_required', 'The subscription does not include this feature.',
                             jsonb_build_object('feature', p_feature, 'tier', v_tier)::text);
end
$fn$;

alter function core.require_feature(text) owner to app_definer;
revoke execute on function core.require_feature(text) from public;
grant execute on function core.require_feature(text) to app_user, app_renter, app_readonly;

comment on function core.require_feature(text) is
    'Stop unless the active tenant''s subscription includes a feature. Errors: PT401 nobody is signed in, PT402 not included (the hint '
    'names the lowest tier that has it), PT403 no tenant named.';

-- Gate of a mutation, after the tier and before the input.

create or replace function core.require_permission(p_permission text) returns void
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_tenant();
    if not core.has_permission(p_permission) then
        perform core.raise_error('PT403', 'forbidden', 'The user''s role does not allow this.', jsonb_build_object('permission', p_permission)::text);
    end if;
end
$fn$;

revoke execute on function core.require_permission(text) from public;
grant execute on function core.require_permission(text) to app_user, app_renter, app_readonly, app_definer;

comment on function core.require_permission(text) is
    'Stop unless the current person''s role in the active tenant carries a permission. '
    'Errors: PT401 nobody is signed in, PT403 no tenant named or the permission (in the hint) is missing.';

-- Never falls back to a membership: the tenant is what the request named, or nothing.

create or replace function core.require_tenant() returns uuid
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.active_tenant_id();
begin
    perform core.require_user();
    if v_tenant is null then
        if cardinality(core.my_tenant_ids()) = 0 then
            perform core.raise_error('PT403', 'forbidden', 'The user belongs to no organization yet.', '{"onboarding": "create_or_join_tenant"}');
        end if;
        perform core.raise_error('PT403', 'forbidden', 'No tenant was named for this transaction.', '{"onboarding": "choose_tenant"}');
    end if;
    return v_tenant;
end
$fn$;

alter function core.require_tenant() owner to app_definer;
revoke execute on function core.require_tenant() from public;
grant execute on function core.require_tenant() to app_user, app_renter, app_readonly, app_worker;

comment on function core.require_tenant() is
    'The tenant of this transaction. Errors: PT401 nobody is signed in, PT403 no tenant named; the hint tells a person without any '
    'organization (create_or_join_tenant) from one who has to choose (choose_tenant).';

-- First gate of every mutation: authenticate, then tier, then permission, then input.

create or replace function core.require_user() returns uuid
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user uuid := core.current_user_id();
begin
    if v_user is null then
        perform core.raise_error('PT401', 'unauthenticated', 'Nobody is signed in for this transaction.');
    end if;
    return v_user;
end
$fn$;

revoke execute on function core.require_user() from public;
grant execute on function core.require_user() to app_user, app_renter, app_readonly, app_definer;

comment on function core.require_user() is
    'The person of this transaction. Errors: PT401 nobody is signed in.';

-- The counterpart of core.soft_delete, under the same permission.

create or replace function core.restore(p_table regclass, p_id uuid) returns boolean
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_rule   record;
    v_done   integer;
begin
    v_rule := core.soft_delete_rule(p_table);
    perform core.require_permission(v_rule.permission);

    execute format(
        $sql$ update %s set deleted_at = null, deleted_by = null where %I = $1 and id = $2 and deleted_at is not null $sql$,
        p_table, v_rule.tenant_column)
      using v_tenant, p_id;
    get diagnostics v_done = row_count;
    return v_done > 0;
end
$fn$;

alter function core.restore(regclass, uuid) owner to app_definer;
revoke execute on function core.restore(regclass, uuid) from public;
grant execute on function core.restore(regclass, uuid) to app_user;

comment on function core.restore(regclass, uuid) is
    'Bring a row that core.soft_delete hid back; false when there is none. A deleted tenant cannot be entered, so it is restored by the '
    'platform. Idempotent. Errors: PT401 nobody is signed in, PT403 no tenant named or permission missing, PT422 table not on the list.';

-- One statement finds, deletes and archives a batch, by one cut-off: there is no moment at which a row is in neither table or in both,
-- and no clock that could come between. Rows somebody else has locked wait for the next run, so two runs share the work. A row is
-- named by its table and its place: in a partitioned table the place alone is not unique.

create or replace function core.retention_statement(p_policy core.retention_policies) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_table   regclass := to_regclass(p_policy.table_name);
    v_archive regclass := to_regclass(p_policy.archive_table);
    v_doomed  text := format(
        $sql$ with doomed as materialized (
                  select t.tableoid, t.ctid
                    from %1$s as t
                   where t.%2$I < $1 and (%3$s)
                   order by t.%2$I
                   limit $2
                     for update skip locked
              ), gone as (
                  delete from %1$s as t using doomed as d
                   where t.tableoid = d.tableoid and t.ctid = d.ctid and t.%2$I < $1 $sql$,
        v_table, p_policy.time_column, coalesce(p_policy.predicate, 'true'));
    v_missing text;
    v_columns text;
begin
    if p_policy.mode = 'delete' then
        return v_doomed || 'returning 1) select count(*), count(*) from gone';
    end if;

    if v_archive is null or v_archive = v_table then
        perform core.raise_error('PT422', 'invalid', 'The archive of the table does not exist.',
                                 jsonb_build_object('archive_table', p_policy.archive_table)::text);
    elsif exists (select from pg_class as c, pg_class as a
                   where c.oid = v_table and a.oid = v_archive
                     and (c.relrowsecurity, c.relforcerowsecurity) > (a.relrowsecurity, a.relforcerowsecurity)) then
        perform core.raise_error('PT422', 'invalid', 'The archive has less row security than the table: rows would become visible there.',
                                 jsonb_build_object('archive_table', p_policy.archive_table)::text);
    end if;

    -- Columns by name: an archive may order them otherwise and have more, but a column it lacks would be lost.
    select string_agg(t.attname, ', ' order by t.attnum) filter (where a.attnum is null),
           string_agg(quote_ident(t.attname), ', ' order by t.attnum) filter (where a.attgenerated = '')
      into v_missing, v_columns
      from pg_attribute as t
      left join pg_attribute as a on a.attrelid = v_archive and a.attname = t.attname and not a.attisdropped
     where t.attrelid = v_table and t.attnum > 0 and not t.attisdropped;
    if v_missing is not null then
        perform core.raise_error('PT422', 'invalid', 'The archive lacks columns of the table.', jsonb_build_object('columns', v_missing)::text);
    end if;
    return v_doomed || format(
        $sql$     returning t.*
              ), kept as (
                  insert into %1$s (%2$s) overriding system value
                  select %2$s from gone
                  returning 1
              )
              select (select count(*) from gone), (select count(*) from kept) $sql$,
        v_archive, v_columns);
end
$fn$;

revoke execute on function core.retention_statement(core.retention_policies) from public;
grant execute on function core.retention_statement(core.retention_policies) to app_definer;

comment on function core.retention_statement(core.retention_policies) is
    'The statement that deletes or archives one batch: $1 the cut-off, $2 the number of rows; it answers how many went and how many '
    'arrived. Internal. Errors: PT422 no archive, or one that would lose columns or row security.';

create or replace function core.retry_job(p_job_id uuid) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.require_permission('jobs_queue.manage');
    return core.change_job(p_job_id, 'pending', core.active_tenant_id(), false);
end
$fn$;

alter function core.retry_job(uuid) owner to app_definer;
revoke execute on function core.retry_job(uuid) from public;
grant execute on function core.retry_job(uuid) to app_user;

comment on function core.retry_job(uuid) is
    'Give a failed or cancelled job a new start, with all its retries. Returns the job. Not idempotent: the second call is refused. Errors: PT401 nobody is signed in, PT403 no tenant named or permission jobs_queue.manage missing, PT404 no such job in the tenant, PT409 the job has not failed, or its dedupe key is in use.';

-- Without a lock that requests would wait for. Contexts are sealed with the newest key as soon as this commits; the old one counts for
-- transactions that began before its retirement, which lies ahead by the grace so that none can begin in between.

create or replace function core.rotate_context_key(p_grace interval default '1 minute') returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if p_grace is null or p_grace < interval '0' or p_grace > interval '1 day' then
        perform core.raise_error('PT400', 'bad_request', 'The grace of the old key must be between nothing and one day.', '{"grace": "out of range"}');
    end if;
    perform pg_advisory_xact_lock(hashtextextended('core.context_keys', 0));
    update core.context_keys set retired_at = clock_timestamp() + p_grace where retired_at is null;
    insert into core.context_keys (key) values (core.random_context_key());
    -- kept for a week for transactions that were sealed before
    delete from core.context_keys where retired_at < now() - interval '7 days';
end
$fn$;

alter function core.rotate_context_key(interval) owner to app_definer;
revoke execute on function core.rotate_context_key(interval) from public;
grant execute on function core.rotate_context_key(interval) to app_platform_admin;

comment on function core.rotate_context_key(interval) is
    'Seal contexts with a new key from now on. Running transactions keep theirs; the old key ends after the grace, which must outlast the '
    'transaction that calls this (nothing, where the key was stolen). Each call rotates. Errors: PT400 grace out of range.';

-- Body and log entry commit together, so a crash leaves neither and the job is still due. A failing body is undone by itself and
-- logged. The command comes from core.cron_jobs, which only the owner writes, and its CHECK leaves one function call.

create or replace function core.run_cron(p_name text, p_due_at timestamptz default null) returns core.cron_runs
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_job     core.cron_status;
    v_run     core.cron_runs;
    v_started timestamptz;
    v_ok      boolean := true;
    v_result  text;
begin
    select * into v_job from core.cron_status as s where s.name = p_name;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no scheduled job of this name.');
    end if;
    if v_job.run_mode = 'bare' then
        perform core.raise_error('PT422', 'invalid', 'This job may not run in a transaction.', '{"run": "dbkit cron run"}');
    end if;
    if not v_job.is_installed then
        perform core.raise_error(
            'PT503', 'unavailable', 'The function of this job is not installed.', jsonb_build_object('function', v_job.target)::text);
    end if;

    -- Held to the end of the transaction: two bodies of one job never run at once.
    if not pg_try_advisory_xact_lock(hashtextextended('core.cron:' || p_name, 0)) then
        return null;
    end if;
    if p_due_at is not null
        and exists (select from core.cron_runs as r where r.name = p_name and r.started_at >= p_due_at) then
        return null;
    end if;

    v_started := clock_timestamp();
    begin
        -- One line for each row of a body that returns several, those that name an error first: a body that goes on after a part of it
        -- failed has failed all the same.
        execute format(
            $sql$
            select string_agg(body.line, e'\n' order by body.is_ok, body.number), coalesce(bool_and(body.is_ok), true)
              from (select told.line::text as line,
                           to_jsonb(told) #>> '{line,error}' is null as is_ok,
                           row_number() over () as number
                      from (%s) as told (line)) as body
            $sql$, v_job.command)
           into v_result, v_ok;
    exception
        when others or query_canceled then
            v_ok := false;
            v_result := sqlstate || ' ' || sqlerrm;
    end;
    insert into core.cron_runs (name, started_at, finished_at, ok, rows_affected, message)
    values (
        p_name, v_started, clock_timestamp(), v_ok,
        case when v_ok and v_result ~ '^\d{1,18}$' then v_result::bigint end,
        left(nullif(v_result, ''), 1000))
    returning * into v_run;
    return v_run;
end
$fn$;

alter function core.run_cron(text, timestamptz) owner to app_definer;
revoke execute on function core.run_cron(text, timestamptz) from public;

comment on function core.run_cron(text, timestamptz) is
    'Run a scheduled job now and log it; what pg_cron and dbkit cron call, as the login that migrates. With p_due_at it does nothing when a '
    'run began then or later, so several schedulers run a slot once. A failure is logged, not raised (ok is false). Null: it runs elsewhere '
    'right now, or the slot is done. A body may return rows: the run is not ok where one has a column error that is not null. Errors: '
    'PT404 no such job, PT422 a bare job, PT503 its function is not installed.';

-- What no request measures in passing. One sample a minute each, so that the hour has percentiles and an alert can look back.

create or replace function core.sample_gauges() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_rows integer;
begin
    insert into core.metric_samples (name, value, created_at)
    select gauge.name, gauge.value, clock_timestamp()
      from (values
        ('connections',            core.probe_connections(0)),
        ('oldest_transaction_ms',  core.probe_slowest_transaction(0)),
        ('queue_depth',            core.probe_queue_depth(0)),
        ('cache_hit_rate',         core.probe_cache_hit_rate(60)),
        ('failed_logins',          (
            select count(*)
              from core.login_attempts as a
             where not a.succeeded
               and a.created_at > clock_timestamp() - interval '1 minute')),
        ('rate_limit_violations',  (
            select count(*)
              from core.rate_limit_violations as v
             where v.created_at > clock_timestamp() - interval '1 minute'))
      ) as gauge (name, value)
     where gauge.value is not null;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$fn$;

alter function core.sample_gauges() owner to app_definer;
revoke execute on function core.sample_gauges() from public;

comment on function core.sample_gauges() is
    'Store how many connections, waiting jobs, failed sign-ins and limiter refusals there are, how old the oldest transaction is and what '
    'the cache serves; the cron job sample-gauges. Returns the samples stored. Each call stores. Errors: none.';

-- Runs beside the writers and takes no lock of theirs: a range ends at the oldest transaction that is still open, so every transaction in
-- it has ended and no entry can come to it any more. Run it every few minutes; a long transaction holds the range back, not the writers.

create or replace function core.seal_audit() returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_end     constant bigint := 9223372036854775807;
    v_system  constant bigint := (select c.system_identifier from pg_control_system() as c);
    v_to      bigint;
    v_last    core.audit_seal_runs;
    v_sealed  bigint;
    v_newest  bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('core.seal_audit', 0));
    select r.* into v_last from core.audit_seal_runs as r order by r.run desc limit 1;
    v_to := (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint;

    if v_last.system_identifier <> v_system or v_last.to_transaction > v_to then
        -- another server: what the old one left unsealed and what this one has written so far is one last run of the old timeline
        perform core.lock_audit_log();
        select coalesce(max(l.id), 0) into v_newest from core.audit_log as l;
        v_sealed := core.seal_audit_range(v_last.timeline, v_last.system_identifier, v_last.after_id, v_newest, v_last.to_transaction, c_end);
        return v_sealed + core.seal_audit_range(v_last.timeline + 1, v_system, greatest(v_newest, v_last.after_id), c_end, 0, v_to);
    end if;
    return core.seal_audit_range(coalesce(v_last.timeline, 1), v_system, coalesce(v_last.after_id, 0), c_end, coalesce(v_last.to_transaction, 0), v_to);
end
$fn$;

alter function core.seal_audit() owner to app_definer;
revoke execute on function core.seal_audit() from public;
grant execute on function core.seal_audit() to app_worker, app_monitor;

comment on function core.seal_audit() is
    'Seal the audit entries of all transactions that ended since the last run; returns how many. What is sealed cannot be changed, removed '
    'or added to without core.verify_audit seeing it. Idempotent: with nothing new it does nothing. Errors: 55P03 on a restored server '
    'only, when writers do not let go of the log.';

create or replace function core.seal_audit_range(
    p_timeline integer, p_system bigint, p_after_id bigint, p_until_id bigint, p_from bigint, p_to bigint
) returns bigint
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
as $fn$
declare
    -- entries a seal may have, so that none grows beyond what one row should hold
    c_most  constant integer := 10000;
    c_none  constant uuid := '00000000-0000-0000-0000-000000000000';
    v_run   core.audit_seal_runs;
    v_seal  core.audit_seals;
begin
    select coalesce(max(r.run), 0) + 1 into v_run.run from core.audit_seal_runs as r;
    select coalesce((select r.head from core.audit_seal_runs as r where r.run = v_run.run - 1), '') into v_run.previous_head;
    v_run.timeline := p_timeline;
    v_run.system_identifier := p_system;
    v_run.after_id := p_after_id;
    v_run.from_transaction := p_from;
    v_run.to_transaction := p_to;
    v_run.entry_count := 0;
    v_run.sealed_at := clock_timestamp();

    for v_seal.tenant_id, v_seal.month, v_seal.entry_ids, v_seal.entry_hashes in
        select e.tenant_id, e.month, array_agg(e.id order by e.id), array_agg(e.hash order by e.id)
          from (
            select l.id,
                   coalesce(l.tenant_id, c_none) as tenant_id,
                   date_trunc('month', l.created_at)::date as month,
                   core.audit_entry_hash(l) as hash,
                   (row_number() over (partition by l.tenant_id, date_trunc('month', l.created_at) order by l.id) - 1) / c_most as piece
              from core.audit_log as l
             where l.id > p_after_id
               and l.id <= p_until_id
               and (l.transaction_id >= p_from and l.transaction_id < p_to
                    -- the end of a timeline takes what no seal has
                    or p_until_id < 9223372036854775807
                       and not exists (
                        select from core.audit_seals as s cross join lateral unnest(s.entry_ids) as sealed (id) where sealed.id = l.id))
          ) as e
         group by e.tenant_id, e.month, e.piece
         order by e.tenant_id, e.month, e.piece
    loop
        select coalesce(max(s.number), 0) + 1 into v_seal.number from core.audit_seals as s where s.tenant_id = v_seal.tenant_id;
        select coalesce((select s.chain from core.audit_seals as s where s.tenant_id = v_seal.tenant_id and s.number = v_seal.number - 1), '')
          into v_seal.previous_chain;
        v_seal.run := v_run.run;
        v_seal.chain := core.audit_seal_hash(v_seal);
        insert into core.audit_seals (tenant_id, number, run, month, entry_ids, entry_hashes, previous_chain, chain)
        values (v_seal.tenant_id, v_seal.number, v_seal.run, v_seal.month, v_seal.entry_ids, v_seal.entry_hashes, v_seal.previous_chain, v_seal.chain);
        v_run.entry_count := v_run.entry_count + cardinality(v_seal.entry_ids);
    end loop;

    -- a new timeline is on record even before it has entries
    if v_run.entry_count > 0 or v_run.run > 1 and not exists (select from core.audit_seal_runs as r where r.timeline = p_timeline) then
        v_run.head := core.audit_run_hash(v_run);
        insert into core.audit_seal_runs (
            run, timeline, system_identifier, after_id, from_transaction, to_transaction, entry_count, previous_head, head, sealed_at)
        values (
            v_run.run, v_run.timeline, v_run.system_identifier, v_run.after_id, v_run.from_transaction, v_run.to_transaction,
            v_run.entry_count, v_run.previous_head, v_run.head, v_run.sealed_at);
    end if;
    return v_run.entry_count;
end
$fn$;

revoke execute on function core.seal_audit_range(integer, bigint, bigint, bigint, bigint, bigint) from public;
grant execute on function core.seal_audit_range(integer, bigint, bigint, bigint, bigint, bigint) to app_definer;

comment on function core.seal_audit_range(integer, bigint, bigint, bigint, bigint, bigint) is
    'Seal the entries of a range of ids and transactions as one run, for core.seal_audit. Internal. Not idempotent. Errors: none.';

-- A set and not a boolean, like core.may_enter: the context readers read settings, key and seal in one statement. They run as
-- app_definer; called by anybody else this could not read the key.
-- After a transaction-local setting ends it reads '', not null: neither equals a seal.

create or replace function core.seal_holds() returns setof boolean
    language sql stable parallel restricted
begin atomic
    select true
      from core.context_keys as k
     -- A key retired after this transaction began still counts, so that rotation never empties a running request.
     where (k.retired_at is null or k.retired_at > transaction_timestamp())
       and current_setting('app.seal', true) = k.id || '.' || core.context_mac(
               k.key,
               current_setting('app.user_id', true),
               current_setting('app.tenant_id', true),
               pg_backend_pid(),
               transaction_timestamp());
end;

alter function core.seal_holds() owner to app_definer;
revoke execute on function core.seal_holds() from public;

comment on function core.seal_holds() is
    'One row while app.user_id and app.tenant_id are as core.set_context sealed them in this transaction of this backend, else none. '
    'Internal. Errors: none.';

-- A job of the platform: it belongs to no tenant, and goes before all that tenants queue, or the alert of a queue that is full would stand
-- at its end. The message holds a rule and a number, nothing of a tenant.

create or replace function core.send_alert(p_rule text, p_message text) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_rule core.alert_rules;
begin
    select * into v_rule from core.alert_rules as r where r.name = p_rule;
    if not found then
        perform core.raise_error('PT404', 'not_found', 'There is no alert rule of this name.');
    end if;
    return core.enqueue_for(
        p_tenant => null,
        p_job_type => 'send_alert',
        p_priority => 10000,
        p_payload => jsonb_build_object(
            'rule', v_rule.name, 'message', p_message, 'severity', v_rule.severity, 'channel', v_rule.channel));
end
$fn$;

alter function core.send_alert(text, text) owner to app_definer;
revoke execute on function core.send_alert(text, text) from public;

comment on function core.send_alert(text, text) is
    'Queue a send_alert job for people; core.evaluate_alerts calls it once for each alert that fires. Returns the id of the job. '
    'Each call queues. Errors: PT404 no such rule.';

-- Entries cannot be deleted from the default partition, so the whole partition goes aside and a new one takes its place and its names.

create or replace function core.set_audit_strays_aside() returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_comment text := obj_description('core.audit_log_default'::regclass, 'pg_class');
    v_index   name;
begin
    alter table core.audit_log detach partition core.audit_log_default;
    alter table core.audit_log_default rename to audit_log_strays;
    for v_index in
        select c.relname
          from pg_index as i
          join pg_class as c on c.oid = i.indexrelid
         where i.indrelid = 'core.audit_log_strays'::regclass
    loop
        execute format('alter index core.%I rename to %I', v_index, left('strays_' || v_index, 63));
    end loop;
    create table core.audit_log_default partition of core.audit_log default;
    execute format('comment on table core.audit_log_default is %L', v_comment);
    perform core.guard_audit_partition('core.audit_log_default');
end
$fn$;

revoke execute on function core.set_audit_strays_aside() from public;

comment on function core.set_audit_strays_aside() is
    'Exchange the default partition of the audit log for an empty one; its entries stay in core.audit_log_strays, which the caller '
    'empties into the log and drops. For core.audit_partitions. Internal. Not idempotent. Errors: 55P03.';

-- The token was issued to one person and one tenant, so a caller can claim neither. The membership is still checked on each use.

create or replace function core.set_context_signed(
    p_token text, p_request_id text default null, p_client_ip text default null
) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_token core.context_tokens;
begin
    select t.* into v_token from core.context_tokens as t where t.token_hash = sha256(convert_to(p_token, 'UTF8'));
    if not found then
        perform core.raise_error('PT401', 'unauthenticated', 'The token is unknown.');
    end if;
    -- clock_timestamp: a long transaction does not lengthen the life of a token
    if v_token.expires_at <= clock_timestamp() then
        perform core.raise_error('PT410', 'expired', 'The token has expired.');
    end if;
    perform core.set_context(v_token.user_id, v_token.tenant_id, p_request_id, p_client_ip);
end
$fn$;

alter function core.set_context_signed(text, text, text) owner to app_definer;
revoke execute on function core.set_context_signed(text, text, text) from public;

comment on function core.set_context_signed(text, text, text) is
    'core.set_context for the person and the tenant a token of core.issue_token was made for. Idempotent. Errors: PT401 unknown token or '
    'inactive user, PT403 no longer an active member, PT410 token expired, PT503 no context key.';

-- How a lease ends, in whole or in part. The lease row is the fence: who finds it gone has lost the jobs.

create or replace function core.settle_lease(p_lease bigint, p_done uuid[], p_failed jsonb, p_results jsonb) returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
declare
    v_lease    core.job_leases;
    v_open     uuid[];
    v_failed   uuid[] := '{}';
    v_done     uuid[];
    v_settled  integer;
begin
    if p_done is null and p_failed is null and p_results is null then
        -- the fast path: all is done, and nobody has to look at the jobs
        with ended as (
            delete from core.job_leases as l where l.id = p_lease and l.settled is null and not l.has_keys returning l.id, l.claimed_at, l.open_count
        ), done as (
            insert into core.jobs_done (lease_id, claimed_at, finished_at) select e.id, e.claimed_at, clock_timestamp() from ended as e
        )
        select e.open_count into v_settled from ended as e;
        if found then
            return v_settled;
        end if;
    end if;

    select l.* into v_lease from core.job_leases as l where l.id = p_lease for update;
    if not found then
        perform core.raise_error('PT409', 'conflict', 'The lease has ended or was taken away.', jsonb_build_object('lease_id', p_lease)::text);
    elsif p_done is null and v_lease.cancelled is not null then
        -- "all" was said of a batch that is whole: answered, a worker that has not heard of it would take a cancelled job for done
        perform core.raise_error(
            'PT409', 'conflict', 'A job of this lease was cancelled; name those that are done.', jsonb_build_object('lease_id', p_lease)::text);
    end if;
    select array_agg(job.id)
      into v_open
      from core.job_envelopes as e
     cross join unnest(e.jobs) as job
     where e.id = v_lease.id and e.claimed_at = v_lease.claimed_at and job.id <> all (coalesce(v_lease.settled, '{}'));

    if p_failed is not null then
        if jsonb_typeof(p_failed) <> 'array' then
            perform core.raise_error('PT400', 'bad_request', 'Failed jobs are an array of {"id", "error", "retryable", "retry_after"}.');
        end if;
        select coalesce(array_agg(distinct (failure.value ->> 'id')::uuid), '{}') into v_failed from jsonb_array_elements(p_failed) as failure;
    end if;
    v_done := coalesce(
        (select array_agg(distinct done.id) from unnest(p_done) as done (id)),
        case when p_done is null then (select array_agg(open.id) from unnest(v_open) as open (id) where open.id <> all (v_failed)) end,
        '{}');
    if not (v_done || v_failed) <@ v_open or v_done && v_failed or cardinality(v_failed) < jsonb_array_length(p_failed) then
        perform core.raise_error(
            'PT409', 'conflict', 'A job named is not in this lease, or was settled already, or named twice.',
            jsonb_build_object('lease_id', p_lease)::text);
    end if;
    v_settled := cardinality(v_done) + cardinality(v_failed);

    if cardinality(v_done) > 0 then
        insert into core.jobs_done (lease_id, claimed_at, finished_at, job_ids, results)
        values (v_lease.id, v_lease.claimed_at, clock_timestamp(), case when v_settled < v_lease.open_count or cardinality(v_failed) > 0 or v_lease.settled is not null then v_done end, p_results);
        if v_lease.has_keys then
            delete from core.job_keys as k where k.job_id = any (v_done);
        end if;
    end if;
    if cardinality(v_failed) > 0 then
        perform core.fail_jobs(v_lease, p_failed);
    end if;
    if v_settled = v_lease.open_count then
        delete from core.job_leases as l where l.id = v_lease.id;
    elsif v_settled > 0 then
        update core.job_leases as l
           set open_count = l.open_count - v_settled,
               settled = coalesce(l.settled, '{}') || v_done || v_failed
         where l.id = v_lease.id;
    end if;
    return v_settled;
end
$fn$;

alter function core.settle_lease(bigint, uuid[], jsonb, jsonb) owner to app_definer;
revoke execute on function core.settle_lease(bigint, uuid[], jsonb, jsonb) from public;

comment on function core.settle_lease(bigint, uuid[], jsonb, jsonb) is
    'What core.complete_jobs and core.next_jobs do with a lease. Not idempotent: the second call is refused. Errors: PT400 malformed failures, '
    'PT409 the lease or a job named is not the caller''s any more, or no job is named and one was cancelled.';

-- First the last id drawn, then the locks: a transaction whose announcement is not there yet draws higher ids than that. The object of
-- a lock holds the low 32 bits of an id; what seems to lie ahead by half of that range was announced in between.

create or replace function core.settled_event_id() returns bigint
    language plpgsql volatile parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_low_bits constant bigint := 4294967295;
    v_tenant   uuid := core.active_tenant_id();
    v_last     bigint := coalesce(pg_sequence_last_value('core.outbox_events_id_seq'), 0);
begin
    return v_last - coalesce((
        select max(running.distance)
          from (
              select (v_last - l.objid::bigint) & c_low_bits as distance
                from pg_locks as l
               where l.locktype = 'advisory'
                 and l.database = (select d.oid from pg_database as d where d.datname = current_database())
                 and l.classid = hashtext('core.outbox_events:' || v_tenant)::oid
                 and l.objsubid = 2
                 -- the own events are in sight; a prepared transaction has no process
                 and l.pid is distinct from pg_backend_pid()
          ) as running
         where running.distance <= c_low_bits / 2), 0);
end
$fn$;

alter function core.settled_event_id() owner to app_definer;
revoke execute on function core.settled_event_id() from public;
grant execute on function core.settled_event_id() to app_user, app_readonly, app_worker;

comment on function core.settled_event_id() is
    'The id up to which no event of the active tenant can still appear. Internal, for core.read_events. Reads only. Errors: none.';

create or replace function core.snapshot_query_stats() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_statements constant integer := 200;
    v_now        timestamptz := date_trunc('minute', clock_timestamp());
    v_before     timestamptz := (select max(q.taken_at) from core.query_stats_snapshots as q where q.taken_at < v_now);
    v_is_again   boolean := exists (select from core.query_stats_snapshots as q where q.taken_at = v_now);
    v_rows       integer;
begin
    insert into core.query_stats_snapshots (taken_at, queryid, userid, query, calls, total_exec_ms, mean_exec_ms, max_exec_ms)
    select v_now, s.queryid, s.userid, min(s.query), sum(s.calls), sum(s.total_ms),
           sum(s.total_ms) / sum(s.calls), max(s.max_ms)
      from core.statement_statistics() as s
     where s.queryid is not null
       and s.calls > 0
     group by s.queryid, s.userid
     order by sum(s.total_ms) desc
     limit c_statements
    on conflict do nothing;
    get diagnostics v_rows = row_count;

    -- What these statements took since the snapshot before, one execution with another. A statement that counts from the beginning
    -- again was reset meanwhile; one that was not among the dearest before counts as a whole.
    insert into core.metric_samples (name, value, created_at)
    select 'query_ms', sum(since.ms) / sum(since.calls), clock_timestamp()
      from (
          select case when q.calls >= b.calls then q.calls - b.calls else q.calls end as calls,
                 case when q.calls >= b.calls then greatest(q.total_exec_ms - b.total_exec_ms, 0) else q.total_exec_ms end as ms
            from core.query_stats_snapshots as q
            left join core.query_stats_snapshots as earlier
              on earlier.taken_at = v_before and earlier.queryid = q.queryid and earlier.userid = q.userid
           cross join lateral (select coalesce(earlier.calls, 0), coalesce(earlier.total_exec_ms, 0)) as b (calls, total_exec_ms)
           where q.taken_at = v_now) as since
     where not v_is_again
       and v_before is not null
    having sum(since.calls) > 0;
    return v_rows;
exception
    when sqlstate 'PT503' then
        return 0;
end
$fn$;

alter function core.snapshot_query_stats() owner to app_definer;
revoke execute on function core.snapshot_query_stats() from public;

comment on function core.snapshot_query_stats() is
    'Keep the 200 dearest statements of this database as they stand now, and as the metric query_ms what an execution of them took on '
    'average since the snapshot before; the cron job query-stats-snapshot. Returns the rows written, 0 without pg_stat_statements. '
    'Idempotent within a minute. Errors: none.';

-- Definer, because a SELECT policy that hides deleted rows also refuses the update that deletes one; hence its own tenant filter.

create or replace function core.soft_delete(p_table regclass, p_id uuid, p_version integer default null) returns boolean
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant  uuid := core.require_tenant();
    v_rule    record;
    v_done    integer;
    v_version integer;
begin
    v_rule := core.soft_delete_rule(p_table);
    perform core.require_permission(v_rule.permission);
    if p_version is not null and not exists (
        select from pg_attribute as a where a.attrelid = p_table and a.attname = 'version' and not a.attisdropped) then
        perform core.raise_error('PT400', 'bad_request', 'Rows of this table have no version.', '{"version": "not kept"}');
    end if;

    execute format(
        $sql$ update %s set deleted_at = now(), deleted_by = $1 where %I = $2 and id = $3 and deleted_at is null %s $sql$,
        p_table, v_rule.tenant_column, case when p_version is not null then 'and version = $4' end)
      using core.current_user_id(), v_tenant, p_id, p_version;
    get diagnostics v_done = row_count;
    if v_done = 0 and p_version is not null then
        execute format($sql$ select version from %s where %I = $1 and id = $2 and deleted_at is null $sql$, p_table, v_rule.tenant_column)
           into v_version
          using v_tenant, p_id;
        if v_version is not null then
            perform core.raise_error('PT409', 'version_conflict', 'Somebody else changed the record.',
                                     jsonb_build_object('version', v_version)::text);
        end if;
    end if;
    return v_done > 0;
end
$fn$;

alter function core.soft_delete(regclass, uuid, integer) owner to app_definer;
revoke execute on function core.soft_delete(regclass, uuid, integer) from public;
grant execute on function core.soft_delete(regclass, uuid, integer) to app_user;

comment on function core.soft_delete(regclass, uuid, integer) is
    'Hide a row of the active tenant; false when there is none, or it is hidden already. Idempotent. Errors: PT400 a version where the '
    'table has none, PT401 nobody is signed in, PT403 no tenant named or permission missing, PT409 version moved (the hint has the '
    'current one), PT422 table not on the list.';

-- The soft-delete list is the tables that carry core.tg_soft_delete; its arguments are the rule.

create or replace function core.soft_delete_rule(p_table regclass, out tenant_column name, out permission text)
    language plpgsql stable parallel restricted
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_arguments text[];
begin
    select string_to_array(encode(t.tgargs, 'escape'), '\000')
      into v_arguments
      from pg_trigger as t
     where t.tgrelid = p_table
       and t.tgfoid = 'core.tg_soft_delete()'::regprocedure
       and t.tgenabled <> 'D';
    if not found then
        perform core.raise_error('PT422', 'invalid', 'Rows of this table cannot be deleted and restored this way.', '{"table": "not on the list"}');
    end if;
    tenant_column := v_arguments[1];
    permission := v_arguments[2];
end
$fn$;

alter function core.soft_delete_rule(regclass) owner to app_definer;
revoke execute on function core.soft_delete_rule(regclass) from public;

comment on function core.soft_delete_rule(regclass) is
    'Tenant column and permission of a table on the soft-delete list. Internal. Errors: PT422 the table is not on it.';

-- A backup that is never finished stays visible as one: ok is null, finished_at too.

create or replace function core.start_backup(p_kind text, p_location_hash text default null) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_id bigint;
begin
    if p_kind is null or p_kind not in ('dump', 'basebackup', 'wal') then
        perform core.raise_error('PT422', 'invalid', 'A backup is a dump, a basebackup or wal.', '{"kind": "unknown"}');
    end if;
    insert into core.backup_runs (kind, location_hash, started_at)
    values (p_kind, p_location_hash, clock_timestamp())
    returning id into v_id;
    return v_id;
end
$fn$;

alter function core.start_backup(text, text) owner to app_definer;
revoke execute on function core.start_backup(text, text) from public;
grant execute on function core.start_backup(text, text) to dbkit_backup, app_owner;

comment on function core.start_backup(text, text) is
    'Record that a backup begins; returns its id for core.finish_backup. Each call is one. Errors: PT422 unknown kind.';

-- A mark can be above a waiting job: its transaction committed after a later one was claimed, or a claim was rolled back. So claims look
-- below the marks now and then, and whenever they find nothing. One worker at a time, and after a look that took more than a millisecond
-- (an old snapshot is open) the next one waits twenty times as long: idle workers that poll cannot wear the server out by looking.

create or replace function core.sweep_lanes() returns boolean
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $fn$
declare
    v_start    bigint := core.epoch_us(clock_timestamp());
    v_is_lower boolean;
    v_end      bigint;
begin
    -- a minute ahead at most, in case the clock was set back
    if pg_sequence_last_value('core.queue_swept_at') between v_start and v_start + 60000000
       or not pg_try_advisory_xact_lock(1685874537, 0) then
        return false;
    end if;
    select coalesce(bool_or(moved.is_lower), false)
      into v_is_lower
      from (
        select waiting.tag < pg_sequence_last_value(l.mark) as is_lower, setval(l.mark, waiting.tag) as mark
          from core.queue_lanes as l
         cross join lateral (
            select r.tag from core.jobs_ready as r where r.lane_id = l.id order by r.tag limit 1) as waiting
         where waiting.tag <> pg_sequence_last_value(l.mark)) as moved;
    perform setval('core.queue_scheduled_low', least(waiting.due, v_start))
       from (select core.epoch_us(least(min(s.scheduled_at), core.from_epoch_us(v_start))) as due from core.jobs_scheduled as s) as waiting
      where least(waiting.due, v_start) <> coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0);
    v_end := core.epoch_us(clock_timestamp());
    perform setval('core.queue_swept_at', v_end + 20 * greatest(v_end - v_start - 1000, 0));
    return v_is_lower;
end
$fn$;

alter function core.sweep_lanes() owner to app_definer;
revoke execute on function core.sweep_lanes() from public;

comment on function core.sweep_lanes() is
    'Set the low-water marks to what really waits. True: one was too high, so look again; false: none was, or a sweep is '
    'running or was just done. Idempotent. Errors: none.';

-- As the caller: pg_cron runs a job as the role that registered it, which has to be a login. Only jobs named dbkit:… are ours to remove.
-- A body runs through core.run_cron, so that the log and the locks are the same with pg_cron and without. What that cannot log is in
-- pg_cron's own log, which is for the login that registered the job: hence a job that is not in the table, called cron_log.

create or replace function core.sync_cron() returns table (name text, action text)
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_prefix constant text := 'dbkit:';
    v_job    record;
begin
    if not exists (select from pg_extension as e where e.extname = 'pg_cron') then
        if exists (select from core.app_settings as s where s.key = 'extension.pg_cron' and s.is_required) then
            perform core.raise_error('PT503', 'unavailable', 'The settings require pg_cron, which is not installed in this database.');
        end if;
        return query select s.name, 'kept as data'::text from core.cron_status as s order by s.name;
        return;
    end if;
    if not has_schema_privilege('cron', 'usage') then
        perform core.raise_error(
            'PT503', 'unavailable', 'This login may not use schema cron.',
            jsonb_build_object('run', format('grant usage on schema cron to %I', session_user))::text);
    end if;
    if upper(coalesce(current_setting('cron.timezone', true), 'GMT')) not in ('GMT', 'UTC', 'ETC/UTC') then
        perform core.raise_error('PT503', 'unavailable', 'Schedules are UTC, and pg_cron is set to another time zone.', '{"setting": "cron.timezone"}');
    end if;
    perform pg_advisory_xact_lock(hashtextextended('core.sync_cron', 0));

    for v_job in
        select coalesce(wanted.name, substr(have.jobname, length(c_prefix) + 1)) as name,
               coalesce(wanted.is_enabled and wanted.is_installed, false) as is_wanted,
               wanted.is_enabled,
               wanted.target,
               wanted.schedule,
               wanted.command,
               have.jobid,
               have.active and (have.schedule, have.command) is not distinct from (wanted.schedule, wanted.command) as is_same
          from (select s.name, s.is_enabled, s.is_installed, s.target, s.schedule,
                       case s.run_mode when 'sql' then format('select core.run_cron(%L)', s.name) else s.command end as command
                  from core.cron_status as s
                 union all
                -- a name that no job of the table can have
                select 'cron_log', true, true, 'core.collect_cron_log', '* * * * *', 'select core.collect_cron_log()') as wanted
          full join (
            select j.jobid, j.jobname, j.schedule, j.command, j.active
              from cron.job as j
             where j.jobname like c_prefix || '%'
               and j.database = current_database()
               and j.username = current_user) as have on have.jobname = c_prefix || wanted.name
         order by 1
    loop
        name := v_job.name;
        if v_job.is_wanted and v_job.is_same then
            action := 'unchanged';
        elsif v_job.is_wanted then
            -- Scheduling a name again does not wake a job that was switched off.
            perform cron.unschedule(v_job.jobid) where v_job.jobid is not null;
            perform cron.schedule(c_prefix || v_job.name, v_job.schedule, v_job.command);
            action := case when v_job.jobid is null then 'registered' else 'updated' end;
        else
            perform cron.unschedule(v_job.jobid) where v_job.jobid is not null;
            action := case
                          when v_job.is_enabled is null then 'removed'
                          when not v_job.is_enabled then 'disabled'
                          else 'missing ' || v_job.target
                      end;
        end if;
        return next;
    end loop;
end
$fn$;

revoke execute on function core.sync_cron() from public;

comment on function core.sync_cron() is
    'Make pg_cron''s jobs named dbkit:… equal to core.cron_jobs; call it as the login that migrates, whom the jobs then run as. Action: '
    'registered, updated, unchanged, removed (no longer in the table), disabled, missing <function> (not installed yet, so not registered), '
    'or kept as data (no pg_cron here). One more job, cron_log, brings pg_cron''s log into core.cron_runs. Idempotent. '
    'Errors: PT503 pg_cron is required and absent, out of reach, or not on UTC.';

-- A time zone nobody knows must not stop the tenant's work: its days are UTC then.

create or replace function core.tenant_today(p_tenant_id uuid) returns date
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_zone text;
begin
    select t.timezone into v_zone from core.tenants as t where t.id = p_tenant_id;
    return (clock_timestamp() at time zone coalesce(v_zone, 'UTC'))::date;
exception
    when invalid_parameter_value then
        return (clock_timestamp() at time zone 'UTC')::date;
end
$fn$;

revoke execute on function core.tenant_today(uuid) from public;
grant execute on function core.tenant_today(uuid) to app_definer;

comment on function core.tenant_today(uuid) is
    'The calendar day it is for a tenant: in its time zone, in UTC where that is no known zone. For functions of app_definer. Errors: none.';

-- Attach as: create trigger _000_append_only before update or delete on <table>
--                for each row execute function core.tg_append_only();
-- Privileges stop everybody without them; this stops a superuser's slip. Whoever disables it is found by core.verify_audit.

create or replace function core.tg_append_only() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.raise_error('PT403', 'forbidden', format('Rows of %I.%I are never changed or deleted.', tg_table_schema, tg_table_name));
    return null;
end
$fn$;

revoke execute on function core.tg_append_only() from public;

comment on function core.tg_append_only() is
    'Trigger BEFORE UPDATE OR DELETE, for each row: keeps a log append-only, for its owner too. Errors: PT403 always.';

-- Attach as: create trigger _200_bump_version before update on <table> for each row execute function core.tg_bump_version();

create or replace function core.tg_bump_version() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    new.version := old.version + 1;
    return new;
end
$fn$;

revoke execute on function core.tg_bump_version() from public;

comment on function core.tg_bump_version() is
    'Trigger BEFORE UPDATE: version counts every update by one, whatever the statement says. Errors: none.';

-- One note a statement and tenant. Static SQL, so the plan is made once a session and table: the tenant column is read by name from the row
-- as jsonb.
-- Attach as core.attach_cache_invalidation does, with the tag and the column that names the room: the tenant column, or the user's.

create or replace function core.tg_cache_invalidate() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if tg_op = 'INSERT' then
        insert into core.cache_invalidations (tenant_id, tag)
        select distinct (to_jsonb(changed) ->> tg_argv[1])::uuid, tg_argv[0]
          from new_rows as changed
         where to_jsonb(changed) ->> tg_argv[1] is not null
        on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();
    elsif tg_op = 'DELETE' then
        insert into core.cache_invalidations (tenant_id, tag)
        select distinct (to_jsonb(changed) ->> tg_argv[1])::uuid, tg_argv[0]
          from old_rows as changed
         where to_jsonb(changed) ->> tg_argv[1] is not null
        on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();
    elsif tg_op = 'UPDATE' then
        insert into core.cache_invalidations (tenant_id, tag)
        select distinct changed.room, tg_argv[0]
          from (select (to_jsonb(before) ->> tg_argv[1])::uuid as room from old_rows as before
                 union
                select (to_jsonb(after) ->> tg_argv[1])::uuid from new_rows as after) as changed
         where changed.room is not null
        on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();
    else
        -- TRUNCATE does not say whose rows they were
        insert into core.cache_invalidations (tenant_id, tag)
        select distinct e.tenant_id, tg_argv[0]
          from core.cache_entries as e
        on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();
    end if;
    return null;
end
$fn$;

alter function core.tg_cache_invalidate() owner to app_definer;
revoke execute on function core.tg_cache_invalidate() from public;

comment on function core.tg_cache_invalidate() is
    'Trigger AFTER each statement, with transition tables old_rows and new_rows: entries with the tag, of the rooms the rows name, are stale '
    'from the commit on. Arguments: tag, column of the room. Errors: none.';

-- The promise that nothing cached is stale rests on triggers, so a table without them is a finding, not a setting.

create or replace function core.cache_unguarded() returns table (policy text, source_table text)
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    select p.name, source.name
      from core.cache_policies as p
     cross join unnest(p.source_tables) as source (name)
      join pg_class as c
        on c.oid = to_regclass(source.name)
     -- a materialized view has no triggers: the policy's time has to be as short as its refresh
     where c.relkind in ('r', 'p')
       and 4 > (
           select count(*)
             from pg_trigger as t
            where t.tgrelid = c.oid
              and t.tgfoid = 'core.tg_cache_invalidate()'::regprocedure
              and t.tgenabled in ('O', 'A')
              and split_part(encode(t.tgargs, 'escape'), '\000', 1) = p.tag)
     order by p.name, source.name;
end;

alter function core.cache_unguarded() owner to app_definer;
revoke execute on function core.cache_unguarded() from public;
grant execute on function core.cache_unguarded() to app_monitor, app_platform_admin;

comment on function core.cache_unguarded() is
    'Source tables of cache policies that exist and do not invalidate their policy''s tag on every write: until they do, entries may be stale '
    'for their time. Empty is well. Reads only. Errors: none.';

-- The rule policies cannot word: nobody grants a role above their own, nor touches a member who ranks above them.
-- It runs before WITH CHECK and answers PT403 with a reason; row security still decides which rows are reached at all.

create or replace function core.tg_memberships_rank() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    -- Definer functions (core.create_tenant, core.accept_membership, a module's registration) keep their own rules.
    if pg_has_role(current_user, 'app_definer', 'usage') then
        return new;
    end if;

    if tg_op = 'INSERT' then
        new.status := 'invited';
        new.invited_by := core.current_user_id();
        perform core.check_membership_change(new.tenant_id, new.user_id, null, null, new.role_key, new.status);
    else
        perform core.check_membership_change(new.tenant_id, new.user_id, old.role_key, old.status, new.role_key, new.status);
    end if;
    return new;
end
$fn$;

revoke execute on function core.tg_memberships_rank() from public;

comment on function core.tg_memberships_rank() is
    'Trigger BEFORE INSERT OR UPDATE on core.memberships: an insert by an application role is an invitation, and no change goes above '
    'the actor''s own rank. Errors: PT403, PT409 and PT422 of core.check_membership_change.';

-- Attach as: create trigger _000_no_truncate before truncate on <table> for each statement execute function core.tg_no_truncate();

create or replace function core.tg_no_truncate() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform core.raise_error('PT403', 'forbidden', format('%I.%I is never truncated.', tg_table_schema, tg_table_name));
    return null;
end
$fn$;

revoke execute on function core.tg_no_truncate() from public;

comment on function core.tg_no_truncate() is
    'Trigger BEFORE TRUNCATE, for each statement: keeps a log from being emptied at once. Errors: PT403 always.';

-- Attached per event as core.attach_outbox does it:
--     create trigger _600_outbox_update after update on <table> referencing new table as changed_rows for each statement
--         execute function core.tg_outbox('<channel>', '<tenant column>', '{<key columns>}', '{<columns of the payload>}');
-- (for delete: old table as changed_rows). The payload columns are named one by one, so a column added later is not sent before
-- somebody decides that every member may read it.

create or replace function core.tg_outbox() returns trigger
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user   uuid := core.current_user_id();
    v_tenant record;
begin
    -- A row that belongs to no tenant has nobody to tell.
    for v_tenant in
        select distinct (to_jsonb(r) ->> tg_argv[1])::uuid as id from changed_rows as r where to_jsonb(r) ->> tg_argv[1] is not null
    loop
        perform core.announce_events(v_tenant.id);
    end loop;

    for v_tenant in
        with events as (
            insert into core.outbox_events (tenant_id, channel, event, entity_type, entity_id, payload)
            select changed.tenant_id,
                   tg_argv[0],
                   tg_op,
                   tg_table_schema || '.' || tg_table_name,
                   (select string_agg(changed.doc ->> k.name, ',' order by k.position)
                      from unnest(tg_argv[2]::text[]) with ordinality as k (name, position)),
                   jsonb_build_object(
                       'row', (select coalesce(jsonb_object_agg(c.name, changed.doc -> c.name), '{}') from unnest(tg_argv[3]::text[]) as c (name)),
                       -- who did it, so that listeners need not ask; a person outside the tenant stays unnamed
                       'user', case when u.id is not null then jsonb_build_object('id', u.id, 'name', u.name, 'email', u.email) end)
              from (select to_jsonb(r) as doc, (to_jsonb(r) ->> tg_argv[1])::uuid as tenant_id from changed_rows as r) as changed
              left join core.memberships as m on m.tenant_id = changed.tenant_id and m.user_id = v_user and m.status = 'active'
              left join core.users as u on u.id = m.user_id
             where changed.tenant_id is not null
            returning tenant_id, id
        )
        select e.tenant_id as id, max(e.id) as last_event from events as e group by e.tenant_id
    loop
        perform core.notify_outbox(v_tenant.id, tg_argv[0], v_tenant.last_event);
    end loop;
    return null;
end
$fn$;

alter function core.tg_outbox() owner to app_definer;
revoke execute on function core.tg_outbox() from public;

comment on function core.tg_outbox() is
    'Statement trigger: one outbox event per changed row, {"row": …, "user": {id, name, email}}, and one wake-up per tenant. '
    'Errors: 23514 malformed channel.';

-- Rows of core.rate_limits carry when the next request may come; under another policy that is another time.
-- exact: the max-th newest request leaves the window. gcra: one request's share has drained.

create or replace function core.tg_rate_limit_policies_changed() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    update core.rate_limits as r
       set max_requests = new.max_requests,
           next_at = case new.algorithm
                         when 'exact' then r.hits[cardinality(r.hits) - new.max_requests + 1] + new.window_seconds * interval '1 second'
                         else r.tat - (new.window_seconds - new.window_seconds::double precision / new.max_requests) * interval '1 second'
                     end
     where r.policy = new.name;
    return null;
end
$fn$;

alter function core.tg_rate_limit_policies_changed() owner to app_definer;
revoke execute on function core.tg_rate_limit_policies_changed() from public;

comment on function core.tg_rate_limit_policies_changed() is
    'Trigger AFTER UPDATE of core.rate_limit_policies: keys that are counted now follow the policy as changed. Errors: none.';

-- Being on the soft-delete list is this trigger: its arguments are the tenant column and the permission, see core.soft_delete.
-- Attach as: create trigger _400_soft_delete before update on <table>
--                for each row when (old.deleted_at is distinct from new.deleted_at or old.deleted_by is distinct from new.deleted_by)
--                execute function core.tg_soft_delete('<tenant column>', '<permission>');

create or replace function core.tg_soft_delete() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if (new.deleted_at is distinct from old.deleted_at or new.deleted_by is distinct from old.deleted_by)
       and not pg_has_role(current_user, 'app_definer', 'usage') then
        perform core.raise_error('PT403', 'forbidden', 'Rows are deleted and restored by core.soft_delete and core.restore only.');
    end if;
    return new;
end
$fn$;

revoke execute on function core.tg_soft_delete() from public;

comment on function core.tg_soft_delete() is
    'Trigger BEFORE UPDATE with the tenant column and the permission as arguments: puts a table on the soft-delete list and keeps '
    'deleted_at and deleted_by for core.soft_delete and core.restore. Errors: PT403 written by hand.';

-- Attach as: create trigger _100_tenant_immutable before update on <table>
--                for each row when (old.<tenant column> is distinct from new.<tenant column>)
--                execute function core.tg_tenant_immutable('<tenant column>');
-- The WHEN clause keeps the price of an ordinary update at one comparison. The argument names the tenant column for core.tenant_column.

create or replace function core.tg_tenant_immutable() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if (to_jsonb(new) ->> tg_argv[0]) is distinct from (to_jsonb(old) ->> tg_argv[0]) then
        perform core.raise_error('PT422', 'invalid', format('A row of %I.%I cannot move to another tenant.', tg_table_schema, tg_table_name),
                                 jsonb_build_object(tg_argv[0], 'cannot be changed')::text);
    end if;
    return new;
end
$fn$;

revoke execute on function core.tg_tenant_immutable() from public;

comment on function core.tg_tenant_immutable() is
    'Trigger BEFORE UPDATE with the tenant column as argument: refuses to move a row to another tenant. Errors: PT422 tenant changed.';

-- The guard trigger's argument is the declaration: a table that keeps its tenant column fixed also says which one it is.

create or replace function core.tenant_column(p_table regclass) returns name
    language sql stable parallel restricted
begin atomic
    select split_part(encode(t.tgargs, 'escape'), '\000', 1)::name
      from pg_trigger as t
     where t.tgrelid = p_table
       and t.tgfoid = 'core.tg_tenant_immutable()'::regprocedure
       and not t.tgisinternal
     limit 1;
end;

revoke execute on function core.tenant_column(regclass) from public;
grant execute on function core.tenant_column(regclass) to app_user, app_renter, app_definer;

comment on function core.tenant_column(regclass) is
    'The tenant column of a table, from its trigger core.tg_tenant_immutable; null without one. Errors: none.';

-- In place of a foreign key on core.jobs_ready, see there.

create or replace function core.tg_tenants_delete_jobs() returns trigger
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    delete from core.jobs_ready as r where r.tenant_id = old.id;
    return null;
end
$fn$;

alter function core.tg_tenants_delete_jobs() owner to app_definer;
revoke execute on function core.tg_tenants_delete_jobs() from public;

comment on function core.tg_tenants_delete_jobs() is 'Trigger of core.tenants: the waiting jobs of a tenant go with it. Errors: none.';

-- Attach as: create trigger _300_touch_updated_at before update on <table> for each row execute function core.tg_touch_updated_at();

create or replace function core.tg_touch_updated_at() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    new.updated_at := now();
    return new;
end
$fn$;

revoke execute on function core.tg_touch_updated_at() from public;

comment on function core.tg_touch_updated_at() is
    'Trigger BEFORE UPDATE: updated_at becomes the start of the transaction, whatever the statement says. Errors: none.';

-- Keyed by the identity provider's subject, never by e-mail: an address can change hands, and then its new holder would get the old
-- account. Without an arbiter ON CONFLICT waits for every unique index, so of two first requests one inserts and the other finds the row.

create or replace function core.upsert_user(
    p_auth_subject text, p_email text, p_name text, p_avatar_url text default null
) returns core.users
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user  core.users;
    v_syncs boolean := pg_has_role(core.caller_role(), 'app_worker', 'usage');
    v_self  uuid := core.current_user_id();
begin
    if coalesce(p_auth_subject, '') = '' or coalesce(p_name, '') = '' or not coalesce(core.is_valid_email(p_email), false) then
        perform core.raise_error('PT422', 'invalid', 'A user needs a subject, a name and a valid e-mail address.');
    end if;

    for attempt in 1..2 loop
        select u.* into v_user from core.users as u where u.auth_subject = p_auth_subject;
        exit when found;
        if v_self is not null and not v_syncs then
            perform core.raise_error('PT403', 'forbidden', 'A signed-in user can only update their own account.');
        end if;
        insert into core.users (auth_subject, email, name, avatar_url, last_seen_at)
        values (p_auth_subject, lower(p_email), p_name, p_avatar_url, now())
        on conflict do nothing
        returning * into v_user;
        if found then
            return v_user;
        end if;
    end loop;
    if v_user.id is null then
        perform core.raise_error('PT409', 'conflict', 'This e-mail address belongs to another account.', '{"email": "already in use"}');
    end if;

    -- Before the person has a context an application role may look itself up, and change nothing.
    if v_self is distinct from v_user.id and not v_syncs then
        if v_self is not null then
            perform core.raise_error('PT403', 'forbidden', 'A signed-in user can only update their own account.');
        end if;
        return v_user;
    end if;

    update core.users as u
       set email = lower(p_email),
           name = p_name,
           avatar_url = coalesce(p_avatar_url, u.avatar_url),
           last_seen_at = now()
     where u.id = v_user.id
       -- each request calls this: write only when something changed, or now and then
       and ((u.email, u.name, u.avatar_url) is distinct from (lower(p_email), p_name, coalesce(p_avatar_url, u.avatar_url))
            or coalesce(u.last_seen_at < now() - interval '5 minutes', true))
    returning u.* into v_user;
    if not found then
        select u.* into v_user from core.users as u where u.auth_subject = p_auth_subject;
    end if;
    return v_user;
exception
    when unique_violation then
        perform core.raise_error('PT409', 'conflict', 'This e-mail address belongs to another account.', '{"email": "already in use"}');
end
$fn$;

alter function core.upsert_user(text, text, text, text) owner to app_definer;
revoke execute on function core.upsert_user(text, text, text, text) from public;
grant execute on function core.upsert_user(text, text, text, text) to app_user, app_worker;

comment on function core.upsert_user(text, text, text, text) is
    'The user of an identity provider''s subject, created on the first call. app_worker (the provider''s webhook) updates anybody, app_user '
    'only the person of its context; without one it creates or looks up. Idempotent, safe under concurrency. Errors: PT403 another '
    'person''s account, PT409 e-mail in use, PT422 missing or malformed values.';

-- Three questions. Are the runs and seals one unbroken chain of hashes, up to the head somebody keeps elsewhere? Is every sealed entry there
-- as it was? Is there an entry that was not there when its transactions were sealed? Whoever can rewrite entries, seals and runs
-- alike can answer all three; only the head kept elsewhere (core.audit_head) gives that away.

create or replace function core.verify_audit(
    p_tenant_id uuid default null, p_anchor_run bigint default null, p_anchor_head text default null, p_limit integer default 100
) returns table (
    problem text, tenant_id uuid, entry_id bigint, run bigint, seal_number bigint, from_transaction bigint, to_transaction bigint
)
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
    set jit = off
as $fn$
#variable_conflict use_column
declare
    c_none constant uuid := '00000000-0000-0000-0000-000000000000';
    -- what retention may have dropped
    v_gone constant date := (clock_timestamp() - core.audit_keep() - interval '1 month')::date;
    v_now  constant bigint := (pg_snapshot_xmax(pg_current_snapshot())::text)::bigint;
    v_own  constant bigint := coalesce((pg_current_xact_id_if_assigned()::text)::bigint, 0);
begin
    return query
    with run as (
        select r.*,
               r.run <> lag(r.run, 1, 0::bigint) over runs + 1 or r.previous_head <> lag(r.head, 1, ''::bytea) over runs as is_loose,
               core.audit_run_hash(r) <> r.head as is_changed
          from core.audit_seal_runs as r
        window runs as (order by r.run)
    ), seal as (
        select s.*,
               s.number <> lag(s.number, 1, 0::bigint) over seals + 1 or s.previous_chain <> lag(s.chain, 1, ''::bytea) over seals as is_loose,
               core.audit_seal_hash(s) <> s.chain as is_changed
          from core.audit_seals as s
         where p_tenant_id is null or s.tenant_id = p_tenant_id
        window seals as (partition by s.tenant_id order by s.number)
    ), leaf as (
        select s.tenant_id, s.number, s.run, s.month, entry.id, entry.hash
          from seal as s
         cross join lateral unnest(s.entry_ids, s.entry_hashes) as entry (id, hash)
    ), entry as (
        select l.id, coalesce(l.tenant_id, c_none) as tenant_id, core.audit_entry_hash(l) as hash
          from core.audit_log as l
         cross join (select r.after_id, r.to_transaction from core.audit_seal_runs as r order by r.run desc limit 1) as sealed
         where (l.id <= sealed.after_id
                or l.transaction_id < sealed.to_transaction
                -- dated ahead of every transaction there was, so that no seal would come to it
                or l.transaction_id >= v_now and l.transaction_id <> v_own)
           and (p_tenant_id is null or l.tenant_id is not distinct from nullif(p_tenant_id, c_none))
    ), found as (
        select 'anchor_differs' as problem, null::uuid as tenant_id, null::bigint as entry_id, p_anchor_run as run, null::bigint as number, 0 as rank
         where p_anchor_run is not null
           and not exists (select from run as r where r.run = p_anchor_run and encode(r.head, 'hex') = lower(p_anchor_head))
         union all
        select case when r.is_changed then 'run_changed' else 'run_missing' end, null, null, r.run, null, 1 from run as r where r.is_loose or r.is_changed
         union all
        select case when s.is_changed then 'seal_changed' else 'seal_missing' end, s.tenant_id, null, s.run, s.number, 2
          from seal as s
         where s.is_loose or s.is_changed
         union all
        select case when e.id is null then 'entry_missing' when l.id is null then 'entry_added' else 'entry_changed' end,
               coalesce(l.tenant_id, e.tenant_id), coalesce(l.id, e.id), l.run, l.number, 3
          from leaf as l
          full join entry as e on e.id = l.id
         where l.id is null and e.id is not null
            or e.id is null and (v_gone is null or l.month >= v_gone)
            or e.hash <> l.hash
    )
    select f.problem, nullif(f.tenant_id, c_none), f.entry_id, f.run, f.number, r.from_transaction, r.to_transaction
      from found as f
      left join core.audit_seal_runs as r on r.run = f.run
     order by f.rank, f.run, f.tenant_id, f.number, f.entry_id
     limit p_limit;
end
$fn$;

alter function core.verify_audit(uuid, bigint, text, integer) owner to app_definer;
revoke execute on function core.verify_audit(uuid, bigint, text, integer) from public;
grant execute on function core.verify_audit(uuid, bigint, text, integer) to app_worker, app_monitor;

comment on function core.verify_audit(uuid, bigint, text, integer) is
    'What is not as core.seal_audit sealed it, first things first, at most p_limit rows; no row: all is as it was. Names the problem '
    '(anchor_differs, run_changed, run_missing, seal_changed, seal_missing, entry_changed, entry_missing, entry_added), the entry and '
    'tenant, the run, the seal, and the range of transactions. p_tenant_id keeps to one tenant, the nil uuid to entries of none. '
    'p_anchor_run and p_anchor_head are a head of core.audit_head that was kept elsewhere. Entries older than audit.keep may be missing. '
    'Errors: none.';

-- For the policy of core.users: an array, computed once per statement, so that the policy reaches the primary key.
-- A person who was only invited has agreed to nothing yet and stays hidden.

create or replace function core.visible_user_ids() returns uuid[]
    language plpgsql stable parallel restricted
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_user   uuid := core.current_user_id();
    v_tenant uuid := core.active_tenant_id();
begin
    if v_user is null then
        return '{}';
    end if;
    return array(
        select v_user
         union
        select m.user_id
          from core.memberships as m
         where m.tenant_id = v_tenant
           and m.status in ('active', 'suspended'));
end
$fn$;

alter function core.visible_user_ids() owner to app_definer;
revoke execute on function core.visible_user_ids() from public;
grant execute on function core.visible_user_ids() to app_user, app_readonly;

comment on function core.visible_user_ids() is
    'The current person and the members of the active tenant; empty without context. Errors: none.';

-- A transaction that notifies holds a lock of the whole cluster while it commits, so with a NOTIFY in each of them commits queue up.
-- One at a time is enough: while somebody's wake-up is under way, others leave theirs out, and workers that were woken poll on for a while.

create or replace function core.wake_workers(p_queue text) returns void
    language sql volatile
return case when pg_try_advisory_xact_lock(1685874536, hashtext(p_queue)) then pg_notify('dbkit_jobs', p_queue) end;

revoke execute on function core.wake_workers(text) from public;
grant execute on function core.wake_workers(text) to app_definer;

comment on function core.wake_workers(text) is
    'Tell idle workers (LISTEN dbkit_jobs, payload: the queue) that there is work, unless another transaction is just doing so. '
    'Idempotent. Errors: none.';

-- core.alert_rules: what is watched. Monitoring reads it, seeds and definer functions write it.

alter table core.alert_rules enable row level security;
alter table core.alert_rules force row level security;

create policy system_all on core.alert_rules
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_monitor on core.alert_rules
    for select to app_monitor
    using (true);

comment on policy system_all on core.alert_rules is 'Owner and definer functions see every row.';
comment on policy select_monitor on core.alert_rules is 'What the installation does, no tenant''s data.';

grant select on core.alert_rules to app_monitor;

create trigger _300_touch_updated_at
    before update on core.alert_rules
    for each row execute function core.tg_touch_updated_at();

-- core.alert_status: for monitoring.

grant select on core.alert_status to app_monitor;

-- core.alerts: what was noticed. Monitoring reads it, seeds and definer functions write it.

alter table core.alerts enable row level security;
alter table core.alerts force row level security;

create policy system_all on core.alerts
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_monitor on core.alerts
    for select to app_monitor
    using (true);

comment on policy system_all on core.alerts is 'Owner and definer functions see every row.';
comment on policy select_monitor on core.alerts is 'What the installation does, no tenant''s data.';

grant select on core.alerts to app_monitor;

-- core.allowed_origins: closed to every application role; core.origin_allowed reads it as app_definer.

alter table core.allowed_origins enable row level security;
alter table core.allowed_origins force row level security;

create policy system_all on core.allowed_origins
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.allowed_origins
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.allowed_origins is 'Owner and definer functions see every row.';
comment on policy closed on core.allowed_origins is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.app_settings: closed to every application role; core.assert_settings reads it as app_definer.

alter table core.app_settings enable row level security;
alter table core.app_settings force row level security;

create policy system_all on core.app_settings
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.app_settings
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.app_settings is 'Owner and definer functions see every row.';
comment on policy closed on core.app_settings is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.audit_log: who holds audit.view reads the entries of the active tenant. Only triggers and definer functions write, and nobody
-- changes or removes an entry: the rights are revoked even from the owner, and triggers refuse whoever has them all the same.

alter table core.audit_log enable row level security;
alter table core.audit_log force row level security;
alter table core.audit_log_default enable row level security;
alter table core.audit_log_default force row level security;

create policy system_all on core.audit_log
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_auditors on core.audit_log
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('audit.view')));

-- Everybody goes through the parent and its policies.
create policy system_all on core.audit_log_default
    for all to app_owner, app_definer
    using (true)
    with check (true);

comment on policy system_all on core.audit_log is 'Owner and definer functions see every row.';
comment on policy select_auditors on core.audit_log is 'Who holds audit.view sees the history of the active tenant.';
comment on policy system_all on core.audit_log_default is 'Owner and definer functions see every row.';

grant select on core.audit_log to app_user, app_readonly;
revoke update, delete, truncate on core.audit_log, core.audit_log_default from app_owner, app_definer;

-- Row triggers are cloned to every partition, present and future; statement triggers are not (core.audit_partitions attaches them).
create trigger _000_append_only
    before update or delete on core.audit_log
    for each row execute function core.tg_append_only();

create trigger _000_no_truncate
    before truncate on core.audit_log
    for each statement execute function core.tg_no_truncate();

create trigger _000_no_truncate
    before truncate on core.audit_log_default
    for each statement execute function core.tg_no_truncate();

-- core.audit_seal_runs: closed to every application role; core.seal_audit and core.verify_audit reach it as app_definer. Append-only.

alter table core.audit_seal_runs enable row level security;
alter table core.audit_seal_runs force row level security;

create policy system_all on core.audit_seal_runs
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.audit_seal_runs
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.audit_seal_runs is 'Owner and definer functions see every row.';
comment on policy closed on core.audit_seal_runs is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
revoke update, delete, truncate on core.audit_seal_runs from app_owner, app_definer;

create trigger _000_append_only
    before update or delete on core.audit_seal_runs
    for each row execute function core.tg_append_only();

create trigger _000_no_truncate
    before truncate on core.audit_seal_runs
    for each statement execute function core.tg_no_truncate();

-- core.audit_seals: closed to every application role; core.seal_audit and core.verify_audit reach it as app_definer. Append-only.

alter table core.audit_seals enable row level security;
alter table core.audit_seals force row level security;

create policy system_all on core.audit_seals
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.audit_seals
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.audit_seals is 'Owner and definer functions see every row.';
comment on policy closed on core.audit_seals is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.
revoke update, delete, truncate on core.audit_seals from app_owner, app_definer;

create trigger _000_append_only
    before update or delete on core.audit_seals
    for each row execute function core.tg_append_only();

create trigger _000_no_truncate
    before truncate on core.audit_seals
    for each statement execute function core.tg_no_truncate();

-- core.backup_runs: closed to every application role; written by functions, read by whoever watches backups as app_definer.

alter table core.backup_runs enable row level security;
alter table core.backup_runs force row level security;

create policy system_all on core.backup_runs
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.backup_runs
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.backup_runs is 'Owner and definer functions see every row.';
comment on policy closed on core.backup_runs is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- The backup login says what it did by core.start_backup and core.finish_backup.
grant usage on schema core to dbkit_backup;

-- core.backup_status: for monitoring.

grant select on core.backup_status to app_monitor;

-- core.blocking_locks: texts of statements may hold values of tenants, so monitoring only.

grant select on core.blocking_locks to app_monitor;

-- core.cache_entries: members see what their tenant has cached, not the values: an entry may be stale, which core.cache_get knows.

alter table core.cache_entries enable row level security;
alter table core.cache_entries force row level security;

create policy system_all on core.cache_entries
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.cache_entries
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()) and expires_at > now());

comment on policy system_all on core.cache_entries is 'Owner and definer functions see every row.';
comment on policy select_members on core.cache_entries is 'Members of the active tenant see its entries until they expire.';

grant select (tenant_id, key, variant, tags, created_at, expires_at) on core.cache_entries to app_user, app_readonly;
-- No writes: core.cache_set and core.cache_invalidate.

-- core.cache_hit_rate: for monitoring.

grant select on core.cache_hit_rate to app_monitor;

-- core.cache_invalidations: closed to every application role; triggers and core.cache_invalidate write it, core.cache_get compares with it.

alter table core.cache_invalidations enable row level security;
alter table core.cache_invalidations force row level security;

create policy system_all on core.cache_invalidations
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.cache_invalidations
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.cache_invalidations is 'Owner and definer functions see every row.';
comment on policy closed on core.cache_invalidations is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.cache_lookups: closed to every application role; core.cache_get writes it, core.cache_purge_expired sums it up.

alter table core.cache_lookups enable row level security;
alter table core.cache_lookups force row level security;

create policy system_all on core.cache_lookups
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.cache_lookups
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.cache_lookups is 'Owner and definer functions see every row.';
comment on policy closed on core.cache_lookups is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.cache_policies: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.cache_policies enable row level security;
alter table core.cache_policies force row level security;

create policy system_all on core.cache_policies
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.cache_policies
    for select to app_user, app_readonly
    using (true);

comment on policy system_all on core.cache_policies is 'Owner and definer functions see every row.';
comment on policy select_all on core.cache_policies is 'Reference data, the same for every tenant.';

grant select on core.cache_policies to app_user, app_readonly;

-- core.cache_stats: closed to every application role; core.cache_stats_report reads it.

alter table core.cache_stats enable row level security;
alter table core.cache_stats force row level security;

create policy system_all on core.cache_stats
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.cache_stats
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.cache_stats is 'Owner and definer functions see every row.';
comment on policy closed on core.cache_stats is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.connection_usage: for monitoring.

grant select on core.connection_usage to app_monitor;

-- Who may set the context, mode sealed: the application names the person, or redeems a token where it has one.

grant execute on function core.set_context(uuid, uuid, text, text) to app_user, app_renter, app_readonly;
grant execute on function core.set_context_signed(text, text, text) to app_user, app_renter, app_readonly;

-- core.context_keys: closed to every application role; the context functions read it as app_definer.

alter table core.context_keys enable row level security;
alter table core.context_keys force row level security;

create policy system_all on core.context_keys
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.context_keys
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.context_keys is 'Owner and definer functions see every row.';
comment on policy closed on core.context_keys is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.context_tokens: closed to every application role; core.set_context_signed reads it as app_definer.

alter table core.context_tokens enable row level security;
alter table core.context_tokens force row level security;

create policy system_all on core.context_tokens
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.context_tokens
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.context_tokens is 'Owner and definer functions see every row.';
comment on policy closed on core.context_tokens is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.cron_jobs: the schedule of the installation. Monitoring reads it, seeds and definer functions write it.

alter table core.cron_jobs enable row level security;
alter table core.cron_jobs force row level security;

create policy system_all on core.cron_jobs
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_monitor on core.cron_jobs
    for select to app_monitor
    using (true);

comment on policy system_all on core.cron_jobs is 'Owner and definer functions see every row.';
comment on policy select_monitor on core.cron_jobs is 'What the installation does, no tenant''s data.';

grant select on core.cron_jobs to app_monitor;

create trigger _300_touch_updated_at
    before update on core.cron_jobs
    for each row execute function core.tg_touch_updated_at();

-- core.cron_runs: the log of the schedule. Monitoring reads it, seeds and definer functions write it.

alter table core.cron_runs enable row level security;
alter table core.cron_runs force row level security;

create policy system_all on core.cron_runs
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_monitor on core.cron_runs
    for select to app_monitor
    using (true);

comment on policy system_all on core.cron_runs is 'Owner and definer functions see every row.';
comment on policy select_monitor on core.cron_runs is 'What the installation does, no tenant''s data.';

grant select on core.cron_runs to app_monitor;

-- core.cron_status: for monitoring.

grant select on core.cron_status to app_monitor;

-- core.daily_counters: members see the figures of the active tenant; only core.count_metric writes.

alter table core.daily_counters enable row level security;
alter table core.daily_counters force row level security;

create policy system_all on core.daily_counters
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.daily_counters
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()));

comment on policy system_all on core.daily_counters is 'Owner and definer functions see every row.';
comment on policy select_members on core.daily_counters is 'Members see the figures of the active tenant.';

grant select on core.daily_counters to app_user, app_readonly;

create trigger _100_tenant_immutable
    before update on core.daily_counters
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

-- core.duplicate_indexes: for monitoring.

grant select on core.duplicate_indexes to app_monitor;

-- core.error_events: closed to every application role; core.log_error writes it, monitoring reads numbers by definer functions.

alter table core.error_events enable row level security;
alter table core.error_events force row level security;

create policy system_all on core.error_events
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.error_events
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.error_events is 'Owner and definer functions see every row.';
comment on policy closed on core.error_events is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.features: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.features enable row level security;
alter table core.features force row level security;

create policy system_all on core.features
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.features
    for select to app_user, app_readonly
    using (true);

comment on policy system_all on core.features is 'Owner and definer functions see every row.';
comment on policy select_all on core.features is 'Reference data, the same for every tenant.';

grant select on core.features to app_user, app_readonly;

-- core.hourly_metrics: closed to every application role; core.aggregate_metrics writes it, core.metric_history reads it.

alter table core.hourly_metrics enable row level security;
alter table core.hourly_metrics force row level security;

create policy system_all on core.hourly_metrics
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.hourly_metrics
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.hourly_metrics is 'Owner and definer functions see every row.';
comment on policy closed on core.hourly_metrics is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.idempotency_keys: closed to every application role; core.idempotent_begin and its kin reach it as app_definer.

alter table core.idempotency_keys enable row level security;
alter table core.idempotency_keys force row level security;

create policy system_all on core.idempotency_keys
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.idempotency_keys
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.idempotency_keys is 'Owner and definer functions see every row.';
comment on policy closed on core.idempotency_keys is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.idempotency_keys
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

-- core.job_envelopes: closed to every application role; core.next_jobs writes it, core.job_queue shows its jobs.

alter table core.job_envelopes enable row level security;
alter table core.job_envelopes force row level security;

create policy system_all on core.job_envelopes
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.job_envelopes
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.job_envelopes is 'Owner and definer functions see every row.';
comment on policy closed on core.job_envelopes is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.job_envelopes_default: closed to every application role; core.job_envelopes is the way to it.

alter table core.job_envelopes_default enable row level security;
alter table core.job_envelopes_default force row level security;

create policy system_all on core.job_envelopes_default
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.job_envelopes_default
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.job_envelopes_default is 'Owner and definer functions see every row.';
comment on policy closed on core.job_envelopes_default is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.job_keys: closed to every application role; core.add_job takes a key, whatever ends the job gives it back.

alter table core.job_keys enable row level security;
alter table core.job_keys force row level security;

create policy system_all on core.job_keys
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.job_keys
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.job_keys is 'Owner and definer functions see every row.';
comment on policy closed on core.job_keys is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.job_keys
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

-- core.job_leases: closed to every application role; core.next_jobs writes it, whatever settles a job changes it.

alter table core.job_leases enable row level security;
alter table core.job_leases force row level security;

create policy system_all on core.job_leases
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.job_leases
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.job_leases is 'Owner and definer functions see every row.';
comment on policy closed on core.job_leases is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.job_queue: the view decides by context and permission, so it may be read by whoever could be a member.

grant select on core.job_queue to app_user, app_readonly, app_platform_admin;

-- core.job_types: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.job_types enable row level security;
alter table core.job_types force row level security;

create policy system_all on core.job_types
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.job_types
    for select to app_user, app_worker, app_readonly, app_platform_admin
    using (true);

comment on policy system_all on core.job_types is 'Owner and definer functions see every row.';
comment on policy select_all on core.job_types is 'Reference data, the same for every tenant.';

grant select on core.job_types to app_user, app_worker, app_readonly, app_platform_admin;

-- core.jobs_dead: closed to every application role; core.settle_lease and core.cancel_job write it, core.retry_job takes from it, core.job_queue shows it.

alter table core.jobs_dead enable row level security;
alter table core.jobs_dead force row level security;

create policy system_all on core.jobs_dead
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.jobs_dead
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.jobs_dead is 'Owner and definer functions see every row.';
comment on policy closed on core.jobs_dead is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.jobs_dead
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

-- core.jobs_done: closed to every application role; core.settle_lease writes it, core.job_queue reads it.

alter table core.jobs_done enable row level security;
alter table core.jobs_done force row level security;

create policy system_all on core.jobs_done
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.jobs_done
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.jobs_done is 'Owner and definer functions see every row.';
comment on policy closed on core.jobs_done is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.jobs_done_default: closed to every application role; core.jobs_done is the way to it.

alter table core.jobs_done_default enable row level security;
alter table core.jobs_done_default force row level security;

create policy system_all on core.jobs_done_default
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.jobs_done_default
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.jobs_done_default is 'Owner and definer functions see every row.';
comment on policy closed on core.jobs_done_default is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.jobs_ready: closed to every application role; core.enqueue writes it, core.next_jobs takes from it, core.job_queue shows it.

alter table core.jobs_ready enable row level security;
alter table core.jobs_ready force row level security;

create policy system_all on core.jobs_ready
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.jobs_ready
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.jobs_ready is 'Owner and definer functions see every row.';
comment on policy closed on core.jobs_ready is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.jobs_ready
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

create trigger _300_delete_jobs
    after delete on core.tenants
    for each row execute function core.tg_tenants_delete_jobs();

-- core.jobs_scheduled: closed to every application role; core.enqueue and core.settle_lease write it, core.promote_jobs takes from it, core.job_queue shows it.

alter table core.jobs_scheduled enable row level security;
alter table core.jobs_scheduled force row level security;

create policy system_all on core.jobs_scheduled
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.jobs_scheduled
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.jobs_scheduled is 'Owner and definer functions see every row.';
comment on policy closed on core.jobs_scheduled is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.jobs_scheduled
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

-- core.login_attempts: closed to every application role; core.record_login reads it as app_definer.

alter table core.login_attempts enable row level security;
alter table core.login_attempts force row level security;

create policy system_all on core.login_attempts
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.login_attempts
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.login_attempts is 'Owner and definer functions see every row.';
comment on policy closed on core.login_attempts is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.long_transactions: texts of statements may hold values of tenants, so monitoring only.

grant select on core.long_transactions to app_monitor;

-- core.memberships: everybody sees where they belong and who else is in the active tenant; who holds team.manage invites and
-- changes members, never above their own rank (trigger _150_rank).

alter table core.memberships enable row level security;
alter table core.memberships force row level security;

create policy system_all on core.memberships
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_fellows on core.memberships
    for select to app_user, app_readonly
    using (user_id = (select core.current_user_id()) or tenant_id = (select core.active_tenant_id()));

create policy insert_managers on core.memberships
    for insert to app_user
    with check (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('team.manage')));

create policy update_managers on core.memberships
    for update to app_user
    using (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('team.manage')))
    with check (tenant_id = (select core.active_tenant_id()) and (select core.has_permission('team.manage')));

comment on policy system_all on core.memberships is 'Owner and definer functions see every row.';
comment on policy select_fellows on core.memberships is 'A person sees their own memberships, and who belongs to the active tenant.';
comment on policy insert_managers on core.memberships is 'Who holds team.manage invites to the active tenant.';
comment on policy update_managers on core.memberships is 'Who holds team.manage changes members of the active tenant, and they stay there.';

grant select on core.memberships to app_user, app_readonly;
-- No status: what an application role inserts is an invitation, and only the invited person can accept it (core.accept_membership).
grant insert (tenant_id, user_id, role_key) on core.memberships to app_user;
-- No delete: status becomes removed.
grant update (role_key, status) on core.memberships to app_user;

create trigger _100_tenant_immutable
    before update on core.memberships
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

create trigger _150_rank
    before insert or update on core.memberships
    for each row execute function core.tg_memberships_rank();

create trigger _300_touch_updated_at
    before update on core.memberships
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on core.memberships
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('permissions', 'tenant_id');
create trigger _700_cache_invalidate_update
    after update on core.memberships
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('permissions', 'tenant_id');
create trigger _700_cache_invalidate_delete
    after delete on core.memberships
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('permissions', 'tenant_id');
create trigger _700_cache_invalidate_truncate
    after truncate on core.memberships
    for each statement execute function core.tg_cache_invalidate('permissions', 'tenant_id');

select core.attach_audit('core.memberships', 'core.audit_log', 'tenant_id');

-- core.metric_samples: closed to every application role; core.record_metric writes it, core.percentiles reads it.

alter table core.metric_samples enable row level security;
alter table core.metric_samples force row level security;

create policy system_all on core.metric_samples
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.metric_samples
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.metric_samples is 'Owner and definer functions see every row.';
comment on policy closed on core.metric_samples is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.migration_status: for monitoring, which with core.health_check is all that reads the runner's ledger.

grant usage on schema dbkit to app_monitor, app_definer;
grant select on dbkit.migrations to app_monitor, app_definer;
grant select on core.migration_status to app_monitor;

-- core.outbox_events: members read the events of the active tenant. Written by core.emit and core.tg_outbox only.

alter table core.outbox_events enable row level security;
alter table core.outbox_events force row level security;

create policy system_all on core.outbox_events
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.outbox_events
    for select to app_user, app_readonly, app_worker
    using (tenant_id = (select core.active_tenant_id()));

comment on policy system_all on core.outbox_events is 'Owner and definer functions see every row.';
comment on policy select_members on core.outbox_events is 'Listeners read the events of the active tenant.';

grant select on core.outbox_events to app_user, app_readonly, app_worker;

create trigger _100_tenant_immutable
    before update on core.outbox_events
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

-- core.permissions: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.permissions enable row level security;
alter table core.permissions force row level security;

create policy system_all on core.permissions
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.permissions
    for select to app_user, app_readonly
    using (true);

comment on policy system_all on core.permissions is 'Owner and definer functions see every row.';
comment on policy select_all on core.permissions is 'Reference data, the same for every tenant.';

grant select on core.permissions to app_user, app_readonly;

-- core.query_stats_snapshots: closed to every application role; core.snapshot_query_stats writes it; texts of statements may hold values of tenants.

alter table core.query_stats_snapshots enable row level security;
alter table core.query_stats_snapshots force row level security;

create policy system_all on core.query_stats_snapshots
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.query_stats_snapshots
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.query_stats_snapshots is 'Owner and definer functions see every row.';
comment on policy closed on core.query_stats_snapshots is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.queue_health: counts, for monitoring.

grant select on core.queue_health to app_monitor, app_platform_admin;

-- core.queue_lanes: closed to every application role; core.lane_of writes it, the queue functions read it as app_definer.

alter table core.queue_lanes enable row level security;
alter table core.queue_lanes force row level security;

create policy system_all on core.queue_lanes
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.queue_lanes
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.queue_lanes is 'Owner and definer functions see every row.';
comment on policy closed on core.queue_lanes is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.queue_weights: closed to every application role; core.put_queue_weight writes it as app_definer.

alter table core.queue_weights enable row level security;
alter table core.queue_weights force row level security;

create policy system_all on core.queue_weights
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.queue_weights
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.queue_weights is 'Owner and definer functions see every row.';
comment on policy closed on core.queue_weights is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.queue_weights
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

create trigger _300_touch_updated_at
    before update on core.queue_weights
    for each row execute function core.tg_touch_updated_at();

-- core.queues: closed to every application role; core.put_queue writes it, the queue functions read it as app_definer.

alter table core.queues enable row level security;
alter table core.queues force row level security;

create policy system_all on core.queues
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.queues
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.queues is 'Owner and definer functions see every row.';
comment on policy closed on core.queues is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.rate_limit_policies: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.rate_limit_policies enable row level security;
alter table core.rate_limit_policies force row level security;

create policy system_all on core.rate_limit_policies
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.rate_limit_policies
    for select to app_user, app_readonly
    using (true);

comment on policy system_all on core.rate_limit_policies is 'Owner and definer functions see every row.';
comment on policy select_all on core.rate_limit_policies is 'Reference data, the same for every tenant.';

grant select on core.rate_limit_policies to app_user, app_readonly;

create trigger _500_recount
    after update on core.rate_limit_policies
    for each row when (old.* is distinct from new.*)
    execute function core.tg_rate_limit_policies_changed();

-- core.rate_limit_violations: closed to every application role; core.rate_limit writes it, core.rate_limit_report sums it up.

alter table core.rate_limit_violations enable row level security;
alter table core.rate_limit_violations force row level security;

create policy system_all on core.rate_limit_violations
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.rate_limit_violations
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.rate_limit_violations is 'Owner and definer functions see every row.';
comment on policy closed on core.rate_limit_violations is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.rate_limits: closed to every application role; core.rate_limit counts in it as app_definer.

alter table core.rate_limits enable row level security;
alter table core.rate_limits force row level security;

create policy system_all on core.rate_limits
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.rate_limits
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.rate_limits is 'Owner and definer functions see every row.';
comment on policy closed on core.rate_limits is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.restore_verifications: closed to every application role; written by functions, read by whoever watches backups as app_definer.

alter table core.restore_verifications enable row level security;
alter table core.restore_verifications force row level security;

create policy system_all on core.restore_verifications
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.restore_verifications
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.restore_verifications is 'Owner and definer functions see every row.';
comment on policy closed on core.restore_verifications is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.retention_policies: closed to every application role; core.apply_retention reads it as app_definer.

alter table core.retention_policies enable row level security;
alter table core.retention_policies force row level security;

create policy system_all on core.retention_policies
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.retention_policies
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.retention_policies is 'Owner and definer functions see every row.';
comment on policy closed on core.retention_policies is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

-- core.rls_coverage: names of tables and policies, no data.

grant select on core.rls_coverage to app_monitor;

-- core.role_permissions: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.role_permissions enable row level security;
alter table core.role_permissions force row level security;

create policy system_all on core.role_permissions
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.role_permissions
    for select to app_user, app_readonly
    using (true);

comment on policy system_all on core.role_permissions is 'Owner and definer functions see every row.';
comment on policy select_all on core.role_permissions is 'Reference data, the same for every tenant.';

grant select on core.role_permissions to app_user, app_readonly;

-- core.roles: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.roles enable row level security;
alter table core.roles force row level security;

create policy system_all on core.roles
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.roles
    for select to app_user, app_readonly
    using (true);

comment on policy system_all on core.roles is 'Owner and definer functions see every row.';
comment on policy select_all on core.roles is 'Reference data, the same for every tenant.';

grant select on core.roles to app_user, app_readonly;

-- core.schema_migrations: for monitoring, where the ledger's owner grants it the table underneath.

grant select on core.schema_migrations to app_monitor;

-- core.slow_queries: texts of statements may hold values of tenants, so monitoring only.

grant select on core.slow_queries to app_monitor;

-- core.subscription_tiers: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.subscription_tiers enable row level security;
alter table core.subscription_tiers force row level security;

create policy system_all on core.subscription_tiers
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.subscription_tiers
    for select to app_user, app_readonly
    using (true);

comment on policy system_all on core.subscription_tiers is 'Owner and definer functions see every row.';
comment on policy select_all on core.subscription_tiers is 'Reference data, the same for every tenant.';

grant select on core.subscription_tiers to app_user, app_readonly;

-- core.subscriptions: members see what their tenant has; only core.create_tenant and core.change_subscription write.

alter table core.subscriptions enable row level security;
alter table core.subscriptions force row level security;

create policy system_all on core.subscriptions
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.subscriptions
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()));

comment on policy system_all on core.subscriptions is 'Owner and definer functions see every row.';
comment on policy select_members on core.subscriptions is 'Members see the subscription of the active tenant.';

-- No external ids: they open the tenant's account at the payment provider.
grant select (tenant_id, system, tier_key, status, current_period_end, trial_ends_at, created_at, updated_at)
    on core.subscriptions to app_user, app_readonly;

create trigger _100_tenant_immutable
    before update on core.subscriptions
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

create trigger _300_touch_updated_at
    before update on core.subscriptions
    for each row execute function core.tg_touch_updated_at();

select core.attach_audit('core.subscriptions', 'core.audit_log', 'tenant_id');

-- core.table_bloat: for monitoring.

grant select on core.table_bloat to app_monitor;

-- core.table_sizes: for monitoring.

grant select on core.table_sizes to app_monitor;

-- core.tenant_sequences: closed to every application role; core.next_number reads it as app_definer.

alter table core.tenant_sequences enable row level security;
alter table core.tenant_sequences force row level security;

create policy system_all on core.tenant_sequences
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy closed on core.tenant_sequences
    as restrictive for all
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin
    using (false)
    with check (false);

comment on policy system_all on core.tenant_sequences is 'Owner and definer functions see every row.';
comment on policy closed on core.tenant_sequences is 'Nothing an application role does reaches a row, whatever else is granted.';

-- No grants.

create trigger _100_tenant_immutable
    before update on core.tenant_sequences
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

-- core.tenants: members see the tenant they act in; who holds tenant.manage edits its profile.

alter table core.tenants enable row level security;
alter table core.tenants force row level security;

create policy system_all on core.tenants
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_members on core.tenants
    for select to app_user, app_readonly
    using (id = (select core.active_tenant_id()) and deleted_at is null);

create policy update_managers on core.tenants
    for update to app_user
    using (id = (select core.active_tenant_id()) and deleted_at is null and (select core.has_permission('tenant.manage')))
    with check (id = (select core.active_tenant_id()) and deleted_at is null and (select core.has_permission('tenant.manage')));

comment on policy system_all on core.tenants is 'Owner and definer functions see every row.';
comment on policy select_members on core.tenants is 'Members see the active tenant, not a deleted one.';
comment on policy update_managers on core.tenants is 'Who holds tenant.manage changes the active tenant.';

grant select on core.tenants to app_user, app_readonly;
-- No status and no owner_user_id: suspension and transfer are not the tenant's own to write. No insert: core.create_tenant.
-- No delete: core.soft_delete.
grant update (name, slug, timezone) on core.tenants to app_user;

create trigger _100_tenant_immutable
    before update on core.tenants
    for each row when (old.id is distinct from new.id)
    execute function core.tg_tenant_immutable('id');

create trigger _300_touch_updated_at
    before update on core.tenants
    for each row execute function core.tg_touch_updated_at();

create trigger _400_soft_delete
    before update on core.tenants
    for each row when (old.deleted_at is distinct from new.deleted_at or old.deleted_by is distinct from new.deleted_by)
    execute function core.tg_soft_delete('id', 'tenant.delete');

select core.attach_audit('core.tenants', 'core.audit_log', 'id');

-- core.tier_features: reference data, the same for every tenant. Everybody signed in reads it, seeds and migrations write it.

alter table core.tier_features enable row level security;
alter table core.tier_features force row level security;

create policy system_all on core.tier_features
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_all on core.tier_features
    for select to app_user, app_readonly
    using (true);

comment on policy system_all on core.tier_features is 'Owner and definer functions see every row.';
comment on policy select_all on core.tier_features is 'Reference data, the same for every tenant.';

grant select on core.tier_features to app_user, app_readonly;

-- core.top_queries_by_total_time: texts of statements may hold values of tenants, so monitoring only.

grant select on core.top_queries_by_total_time to app_monitor;

-- core.unused_indexes: for monitoring.

grant select on core.unused_indexes to app_monitor;

-- core.user_notifications: people see their own in the active tenant and mark them as read. Written by core.notify_user.

alter table core.user_notifications enable row level security;
alter table core.user_notifications force row level security;

create policy system_all on core.user_notifications
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_own on core.user_notifications
    for select to app_user, app_readonly
    using (tenant_id = (select core.active_tenant_id()) and user_id = (select core.current_user_id()));

create policy update_own on core.user_notifications
    for update to app_user
    using (tenant_id = (select core.active_tenant_id()) and user_id = (select core.current_user_id()))
    with check (tenant_id = (select core.active_tenant_id()) and user_id = (select core.current_user_id()));

comment on policy system_all on core.user_notifications is 'Owner and definer functions see every row.';
comment on policy select_own on core.user_notifications is 'A person sees what they were told in the active tenant.';
comment on policy update_own on core.user_notifications is 'A person marks their own as read, and they stay their own.';

grant select on core.user_notifications to app_user, app_readonly;
grant update (read_at) on core.user_notifications to app_user;

create trigger _100_tenant_immutable
    before update on core.user_notifications
    for each row when (old.tenant_id is distinct from new.tenant_id)
    execute function core.tg_tenant_immutable('tenant_id');

-- core.users: people see themselves and those they share the active tenant with, and edit their own profile.

alter table core.users enable row level security;
alter table core.users force row level security;

create policy system_all on core.users
    for all to app_owner, app_definer
    using (true)
    with check (true);

create policy select_fellows on core.users
    for select to app_user, app_readonly
    using (id = any ((select core.visible_user_ids())::uuid[]));

create policy update_self on core.users
    for update to app_user
    using (id = (select core.current_user_id()))
    with check (id = (select core.current_user_id()));

comment on policy system_all on core.users is 'Owner and definer functions see every row.';
comment on policy select_fellows on core.users is 'A person sees themselves and the members of the active tenant.';
comment on policy update_self on core.users is 'A person changes their own row.';

-- auth_subject, platform_role and last_seen_at are nobody's but the definer functions'.
grant select (id, email, name, avatar_url, phone, is_active, created_at, updated_at) on core.users to app_user, app_readonly;
-- No email: it follows the identity provider, see core.upsert_user. No insert and no delete: people are created by
-- core.upsert_user and deactivated, not deleted.
grant update (name, avatar_url, phone) on core.users to app_user;

create trigger _300_touch_updated_at
    before update on core.users
    for each row execute function core.tg_touch_updated_at();

create trigger _700_cache_invalidate_insert
    after insert on core.users
    referencing new table as new_rows
    for each statement execute function core.tg_cache_invalidate('session', 'id');
create trigger _700_cache_invalidate_update
    after update on core.users
    referencing old table as old_rows new table as new_rows
    for each statement execute function core.tg_cache_invalidate('session', 'id');
create trigger _700_cache_invalidate_delete
    after delete on core.users
    referencing old table as old_rows
    for each statement execute function core.tg_cache_invalidate('session', 'id');
create trigger _700_cache_invalidate_truncate
    after truncate on core.users
    for each statement execute function core.tg_cache_invalidate('session', 'id');

-- Platform roles and deactivation above all. A person is no tenant's, so no tenant reads this history.
select core.attach_audit('core.users', 'core.audit_log', null, p_redact => '{auth_subject}', p_ignore => '{last_seen_at}');

-- migrate:down

drop trigger _700_cache_invalidate_truncate on core.users;
drop trigger _700_cache_invalidate_delete on core.users;
drop trigger _700_cache_invalidate_update on core.users;
drop trigger _700_cache_invalidate_insert on core.users;
drop trigger _300_touch_updated_at on core.users;
drop policy update_self on core.users;
drop policy select_fellows on core.users;
drop policy system_all on core.users;

drop trigger _100_tenant_immutable on core.user_notifications;
drop policy update_own on core.user_notifications;
drop policy select_own on core.user_notifications;
drop policy system_all on core.user_notifications;

drop policy select_all on core.tier_features;
drop policy system_all on core.tier_features;

drop trigger _400_soft_delete on core.tenants;
drop trigger _300_touch_updated_at on core.tenants;
drop trigger _100_tenant_immutable on core.tenants;
drop policy update_managers on core.tenants;
drop policy select_members on core.tenants;
drop policy system_all on core.tenants;

drop trigger _100_tenant_immutable on core.tenant_sequences;
drop policy closed on core.tenant_sequences;
drop policy system_all on core.tenant_sequences;

drop trigger _300_touch_updated_at on core.subscriptions;
drop trigger _100_tenant_immutable on core.subscriptions;
drop policy select_members on core.subscriptions;
drop policy system_all on core.subscriptions;

drop policy select_all on core.subscription_tiers;
drop policy system_all on core.subscription_tiers;

drop policy select_all on core.roles;
drop policy system_all on core.roles;

drop policy select_all on core.role_permissions;
drop policy system_all on core.role_permissions;

drop policy closed on core.retention_policies;
drop policy system_all on core.retention_policies;

drop policy closed on core.restore_verifications;
drop policy system_all on core.restore_verifications;

drop policy closed on core.rate_limits;
drop policy system_all on core.rate_limits;

drop policy closed on core.rate_limit_violations;
drop policy system_all on core.rate_limit_violations;

drop trigger _500_recount on core.rate_limit_policies;
drop policy select_all on core.rate_limit_policies;
drop policy system_all on core.rate_limit_policies;

drop policy closed on core.queues;
drop policy system_all on core.queues;

drop trigger _300_touch_updated_at on core.queue_weights;
drop trigger _100_tenant_immutable on core.queue_weights;
drop policy closed on core.queue_weights;
drop policy system_all on core.queue_weights;

drop policy closed on core.queue_lanes;
drop policy system_all on core.queue_lanes;

drop policy closed on core.query_stats_snapshots;
drop policy system_all on core.query_stats_snapshots;

drop policy select_all on core.permissions;
drop policy system_all on core.permissions;

drop trigger _100_tenant_immutable on core.outbox_events;
drop policy select_members on core.outbox_events;
drop policy system_all on core.outbox_events;

revoke usage on schema dbkit from app_monitor, app_definer;

drop policy closed on core.metric_samples;
drop policy system_all on core.metric_samples;

drop trigger _700_cache_invalidate_truncate on core.memberships;
drop trigger _700_cache_invalidate_delete on core.memberships;
drop trigger _700_cache_invalidate_update on core.memberships;
drop trigger _700_cache_invalidate_insert on core.memberships;
drop trigger _300_touch_updated_at on core.memberships;
drop trigger _150_rank on core.memberships;
drop trigger _100_tenant_immutable on core.memberships;
drop policy update_managers on core.memberships;
drop policy insert_managers on core.memberships;
drop policy select_fellows on core.memberships;
drop policy system_all on core.memberships;

drop policy closed on core.login_attempts;
drop policy system_all on core.login_attempts;

drop trigger _100_tenant_immutable on core.jobs_scheduled;
drop policy closed on core.jobs_scheduled;
drop policy system_all on core.jobs_scheduled;

drop trigger _300_delete_jobs on core.tenants;
drop trigger _100_tenant_immutable on core.jobs_ready;
drop policy closed on core.jobs_ready;
drop policy system_all on core.jobs_ready;

drop policy closed on core.jobs_done_default;
drop policy system_all on core.jobs_done_default;

drop policy closed on core.jobs_done;
drop policy system_all on core.jobs_done;

drop trigger _100_tenant_immutable on core.jobs_dead;
drop policy closed on core.jobs_dead;
drop policy system_all on core.jobs_dead;

drop policy select_all on core.job_types;
drop policy system_all on core.job_types;

drop policy closed on core.job_leases;
drop policy system_all on core.job_leases;

drop trigger _100_tenant_immutable on core.job_keys;
drop policy closed on core.job_keys;
drop policy system_all on core.job_keys;

drop policy closed on core.job_envelopes_default;
drop policy system_all on core.job_envelopes_default;

drop policy closed on core.job_envelopes;
drop policy system_all on core.job_envelopes;

drop trigger _100_tenant_immutable on core.idempotency_keys;
drop policy closed on core.idempotency_keys;
drop policy system_all on core.idempotency_keys;

drop policy closed on core.hourly_metrics;
drop policy system_all on core.hourly_metrics;

drop policy select_all on core.features;
drop policy system_all on core.features;

drop policy closed on core.error_events;
drop policy system_all on core.error_events;

drop trigger _100_tenant_immutable on core.daily_counters;
drop policy select_members on core.daily_counters;
drop policy system_all on core.daily_counters;

drop policy select_monitor on core.cron_runs;
drop policy system_all on core.cron_runs;

drop trigger _300_touch_updated_at on core.cron_jobs;
drop policy select_monitor on core.cron_jobs;
drop policy system_all on core.cron_jobs;

drop policy closed on core.context_tokens;
drop policy system_all on core.context_tokens;

drop policy closed on core.context_keys;
drop policy system_all on core.context_keys;

drop policy closed on core.cache_stats;
drop policy system_all on core.cache_stats;

drop policy select_all on core.cache_policies;
drop policy system_all on core.cache_policies;

drop policy closed on core.cache_lookups;
drop policy system_all on core.cache_lookups;

drop policy closed on core.cache_invalidations;
drop policy system_all on core.cache_invalidations;

drop policy select_members on core.cache_entries;
drop policy system_all on core.cache_entries;

drop policy closed on core.backup_runs;
drop policy system_all on core.backup_runs;

drop trigger _000_no_truncate on core.audit_seals;
drop trigger _000_append_only on core.audit_seals;
drop policy closed on core.audit_seals;
drop policy system_all on core.audit_seals;

drop trigger _000_no_truncate on core.audit_seal_runs;
drop trigger _000_append_only on core.audit_seal_runs;
drop policy closed on core.audit_seal_runs;
drop policy system_all on core.audit_seal_runs;

drop trigger _000_no_truncate on core.audit_log_default;
drop trigger _000_no_truncate on core.audit_log;
drop trigger _000_append_only on core.audit_log;
drop policy system_all on core.audit_log_default;
drop policy select_auditors on core.audit_log;
drop policy system_all on core.audit_log;

drop policy closed on core.app_settings;
drop policy system_all on core.app_settings;

drop policy closed on core.allowed_origins;
drop policy system_all on core.allowed_origins;

drop policy select_monitor on core.alerts;
drop policy system_all on core.alerts;

drop trigger _300_touch_updated_at on core.alert_rules;
drop policy select_monitor on core.alert_rules;
drop policy system_all on core.alert_rules;

drop function core.wake_workers(text);
drop function core.visible_user_ids();
drop function core.verify_audit(uuid, bigint, text, integer);
drop function core.upsert_user(text, text, text, text);
drop function core.tenant_column(regclass);
drop function core.cache_unguarded();
drop function core.tenant_today(uuid);
drop function core.sync_cron();
drop function core.sweep_lanes();
drop function core.start_backup(text, text);
drop function core.soft_delete_rule(regclass);
drop function core.soft_delete(regclass, uuid, integer);
drop function core.snapshot_query_stats();
drop function core.settled_event_id();
drop function core.settle_lease(bigint, uuid[], jsonb, jsonb);
drop function core.set_context_signed(text, text, text);
drop function core.set_audit_strays_aside();
drop function core.send_alert(text, text);
drop function core.seal_holds();
drop function core.seal_audit_range(integer, bigint, bigint, bigint, bigint, bigint);
drop function core.seal_audit();
drop function core.sample_gauges();
drop function core.run_cron(text, timestamptz);
drop function core.rotate_context_key(interval);
drop function core.retry_job(uuid);
drop function core.retention_statement(core.retention_policies);
drop function core.restore(regclass, uuid);
drop function core.require_user();
drop function core.require_tenant();
drop function core.require_permission(text);
drop function core.require_feature(text);
drop function core.requeue_expired_leases();
drop function core.release_jobs(bigint, uuid[]);
drop function core.refuse_run_at(timestamptz);
drop function core.refuse_priority(integer, boolean);
drop function core.refuse_payload(text, jsonb, boolean);
drop function core.redact(jsonb);
drop function core.record_violation(text, text, integer);
drop function core.record_metric(text, double precision, jsonb);
drop function core.record_login(text, boolean, text);
drop function core.readable_columns(regclass, text);
drop function core.read_events(text, bigint, integer);
drop function core.rate_limit_report(interval);
drop function core.rate_limit_refusal_count();
drop function core.rate_limit_or_raise(text, text);
drop function core.rate_limit_key(text, text);
drop function core.rate_limit_degraded(text, text);
drop function core.rate_limit(text, text, boolean);
drop function core.random_context_key();
drop function core.raise_marks(core.jobs_ready[], boolean);
drop function core.raise_error(text, text, text, text);
drop function core.queue_room(text);
drop function core.put_queue_weight(uuid, numeric);
drop function core.put_queue(text, boolean, integer);
drop function core.put_cron_job(text, text, text, text, text, text);
drop function core.purge_rate_limits(integer);
drop function core.purge_outbox(interval);
drop function core.purge_jobs(interval);
drop function core.purge_idempotency_keys(integer);
drop function core.promote_jobs(integer);
drop function core.probe_slowest_transaction(integer, text);
drop function core.probe_slow_statements(integer, text);
drop function core.probe_rls_gaps(integer, text);
drop function core.probe_restore_age(integer, text);
drop function core.probe_queue_depth(integer, text);
drop function core.probe_metric_p95(integer, text);
drop function core.probe_metric_avg(integer, text);
drop function core.probe_errors(integer, text);
drop function core.probe_error_rate(integer, text);
drop function core.probe_cron_failures(integer, text);
drop function core.probe_connections_percent(integer, text);
drop function core.probe_connections(integer, text);
drop function core.probe_cache_hit_rate(integer, text);
drop function core.probe_backup_age(integer, text);
drop function core.primary_key(regclass);
drop function core.platform_retry_job(uuid);
drop function core.platform_cancel_job(uuid);
drop function core.percentiles(text, interval);
drop function core.page_meta(integer, integer, bigint, integer);
drop function core.page(integer, integer, integer);
drop function core.origin_allowed(text, text);
drop function core.optimistic_update(regclass, uuid, jsonb, integer, text[]);
drop function core.notify_user(uuid, text, text, text, text, text);
drop function core.notify_outbox(uuid, text, bigint);
drop function core.normalize_phone(text);
drop function core.next_number(text, text, integer);
drop function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb);
drop function core.new_job_id(timestamptz);
drop function core.my_tenants();
drop function core.my_tenant_ids();
drop function core.my_notifications(boolean, integer, text);
drop function core.metric_history(text, interval);
drop function core.may_enter(uuid, uuid);
drop function core.mark_notification_read(uuid);
drop function core.make_room(core.queue_lanes, uuid, integer, integer, bigint, bigint, bigint);
drop function core.log_restore_verification(bigint, boolean, jsonb, jsonb);
drop function core.log_error(text, text, text, jsonb);
drop function core.lock_audit_log();
drop function core.lease_of(uuid, text);
drop function core.lane_of(text, integer);
drop function core.job_backoff(text, integer);
drop function core.issue_token(uuid, uuid, interval);
drop function core.is_valid_email(text);
drop function core.is_plain_json(jsonb);
drop function core.is_owner(uuid);
drop function core.is_member(uuid);
drop function core.idempotent_release(text, text, integer);
drop function core.idempotent_finish(text, text, jsonb, integer);
drop function core.idempotent_begin(text, text, jsonb);
drop function core.idempotency_claim(text, text, jsonb, interval);
drop function core.heartbeat_job(uuid, text);
drop function core.heartbeat(bigint[]);
drop function core.health_check();
drop function core.has_role(text);
drop function core.find_job(uuid);
drop function core.fail_job(uuid, text, text, boolean, double precision);
drop function core.change_job(uuid, text, uuid, boolean);
drop function core.cancel_job(uuid);
drop view core.job_queue;
drop function core.has_permission(text);
drop function core.has_feature(text);
drop function core.guard_audit_partition(regclass);
drop function core.get_metrics_today();
drop function core.from_epoch_us(bigint);
drop function core.finish_backup(bigint, boolean, bigint);
drop function core.fair_turn(uuid);
drop function core.fair_places(core.queue_lanes, uuid, integer, integer);
drop function core.fail_jobs(core.job_leases, jsonb);
drop function core.evaluate_alerts(text);
drop function core.escape_html(text);
drop function core.error_info(text, text);
drop function core.epoch_us(timestamptz);
drop function core.ensure_job_partitions(integer);
drop function core.ensure_context_key();
drop function core.enqueue_many(text, jsonb[], integer, timestamptz, text);
drop function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text);
drop function core.enqueue_batch(jsonb);
drop function core.enqueue(text, jsonb, integer, timestamptz, text, text);
drop function core.encrypt_text(text);
drop function core.encode_cursor(jsonb);
drop function core.emit(text, text, text, text, jsonb);
drop function core.detach_audit(regclass);
drop function core.decrypt_text(bytea);
drop function core.decode_cursor(text, jsonb);
drop function core.create_tenant(text, text, text);
drop function core.count_request(text, text);
drop function core.count_metric(text, bigint, numeric);
drop function core.context_mac(bytea, text, text, integer, timestamptz);
drop function core.constraint_message(text);
drop function core.complete_jobs(bigint, uuid[], jsonb, jsonb);
drop function core.complete_job(uuid, text, jsonb);
drop function core.collect_cron_log();
drop function core.client_ip();
drop function core.clear_context();
drop function core.claim_jobs(text, integer, text, text[]);
drop function core.cipher_schema();
drop function core.check_membership_change(uuid, uuid, text, text, text, text);
drop function core.check_audit(regclass, regclass, text, text[], text[]);
drop function core.check_access(uuid, uuid);
drop function core.change_subscription(uuid, text, text);
drop function core.caller_role();
drop function core.cache_write(uuid, text, text, text, jsonb, text[], integer);
drop view core.cache_hit_rate;
drop function core.cache_stats_report(interval);
drop function core.cache_set(text, text, jsonb, text[], integer);
drop function core.cache_room(text);
drop function core.cache_read(uuid, text, text, text);
drop function core.cache_purge_expired(integer);
drop function core.cache_invalidate_tag(text);
drop function core.cache_invalidate_prefix(text);
drop function core.cache_invalidate(text);
drop function core.cache_get(text, text);
drop function core.cache_forget(text, text, text);
drop function core.audit_entry_hash(core.audit_log);
drop function core.audit_image(jsonb);
drop function core.audit_value_hash(jsonb);
drop function core.audit_types(regclass);
drop function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]);
drop function core.audit_search(text, text, uuid, timestamptz, timestamptz, integer, text, text);
drop function core.audit_seal_hash(core.audit_seals);
drop function core.audit_run_hash(core.audit_seal_runs);
drop function core.audit_row_sql(regclass, text, text[]);
drop function core.audit_restore_sql(regclass, text, uuid, jsonb, boolean, boolean);
drop function core.audit_restore(text, text, bigint);
drop function core.audit_partitions(integer);
drop function core.audit_entity_sql(name[], text, text);
drop function core.audit_diff_sql(regclass, name[], text[], text[]);
drop function core.audit_comparison(regclass, name);
drop function core.audit_name(text);
drop function core.audit_keys(jsonb);
drop function core.audit_keep();
drop function core.audit_is_current(regclass, text[], text[]);
drop function core.audit_head();
drop view core.audited_tables;
drop function core.audit_entity_type(regclass);
drop function core.audit_diff(jsonb, jsonb, text[], text[]);
drop function core.audit_columns(regclass);
drop function core.audit_attachment(regclass);
drop function core.attach_touch(regclass);
drop function core.attach_tenant_guard(regclass, text);
drop function core.attach_soft_delete(regclass, text, text);
drop function core.attach_outbox(regclass, text, text[]);
drop function core.attach_cache_invalidation(regclass, text, name);
drop function core.attach_audit(regclass, regclass, text, text[], text[]);
drop function core.assert_settings();
drop function core.apply_retention_policies();
drop function core.apply_retention(regclass, integer, integer);
drop function core.announce_events(uuid);
drop function core.aggregate_metrics();
drop function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text, boolean);
drop function core.accept_membership(uuid);
drop table core.user_notifications;
drop table core.tenant_sequences;
drop table core.subscriptions;
drop table core.queue_weights;
drop view core.queue_health;
drop table core.memberships;
drop view core.all_jobs;
drop table core.jobs_scheduled;
drop table core.jobs_dead;
drop table core.job_keys;
drop table core.idempotency_keys;
drop table core.daily_counters;
drop table core.context_tokens;
drop table core.tenants;
drop table core.login_attempts;
drop table core.users;
drop view core.unused_indexes;
drop view core.top_queries_by_total_time;
drop table core.tier_features;
drop view core.table_sizes;
drop view core.table_bloat;
drop table core.subscription_tiers;
drop view core.slow_queries;
drop function core.statement_statistics();
drop function core.sees_all_jobs();
drop view core.schema_migrations;
drop domain core.safe_html;
drop table core.role_permissions;
drop table core.roles;
drop view core.rls_coverage;
drop table core.retention_policies;

drop view core.backup_status;
drop function core.backup_report();

drop table core.restore_verifications;
drop table core.rate_limits;
drop table core.rate_limit_violations;
drop sequence core.rate_limit_refusals;
drop table core.rate_limit_policies;

drop table core.queue_lanes;
drop sequence core.queue_mark_40;
drop sequence core.queue_mark_39;
drop sequence core.queue_mark_38;
drop sequence core.queue_mark_37;
drop sequence core.queue_mark_36;
drop sequence core.queue_mark_35;
drop sequence core.queue_mark_34;
drop sequence core.queue_mark_33;
drop sequence core.queue_mark_32;
drop sequence core.queue_mark_31;
drop sequence core.queue_mark_30;
drop sequence core.queue_mark_29;
drop sequence core.queue_mark_28;
drop sequence core.queue_mark_27;
drop sequence core.queue_mark_26;
drop sequence core.queue_mark_25;
drop sequence core.queue_mark_24;
drop sequence core.queue_mark_23;
drop sequence core.queue_mark_22;
drop sequence core.queue_mark_21;
drop sequence core.queue_mark_20;
drop sequence core.queue_mark_19;
drop sequence core.queue_mark_18;
drop sequence core.queue_mark_17;
drop sequence core.queue_mark_16;
drop sequence core.queue_mark_15;
drop sequence core.queue_mark_14;
drop sequence core.queue_mark_13;
drop sequence core.queue_mark_12;
drop sequence core.queue_mark_11;
drop sequence core.queue_mark_10;
drop sequence core.queue_mark_09;
drop sequence core.queue_mark_08;
drop sequence core.queue_mark_07;
drop sequence core.queue_mark_06;
drop sequence core.queue_mark_05;
drop sequence core.queue_mark_04;
drop sequence core.queue_mark_03;
drop sequence core.queue_mark_02;
drop sequence core.queue_mark_01;
drop sequence core.queue_scheduled_low;
drop sequence core.queue_swept_at;

drop table core.queues;
drop table core.query_stats_snapshots;
drop domain core.phone_e164;
drop table core.permissions;
drop table core.outbox_events;
drop view core.migration_status;
drop table core.metric_samples;
drop view core.long_transactions;

drop table core.job_envelopes_default;
drop table core.job_envelopes;

drop table core.jobs_ready;

drop table core.jobs_done_default;
drop table core.jobs_done;

drop table core.job_types;
drop table core.job_leases;
drop function core.is_safe_html(text);
drop view core.cron_status;
drop table core.cron_jobs;
drop function core.is_cron_schedule(text);
drop table core.hourly_metrics;
drop table core.features;
drop table core.error_events;
drop domain core.email;
drop view core.duplicate_indexes;
drop table core.cron_runs;
drop table core.context_keys;

drop function core.current_tenant_id();
drop function core.current_user_id();
drop function core.active_tenant_id();
drop function core.set_context(uuid, uuid, text, text);

drop view core.connection_usage;
drop table core.cache_stats;
drop table core.cache_policies;
drop table core.cache_lookups;
drop table core.cache_invalidations;
drop table core.cache_entries;
drop view core.blocking_locks;
drop table core.backup_runs;
drop table core.audit_seals;
drop table core.audit_seal_runs;

drop table core.audit_log_default;
drop table core.audit_log;

drop domain core.audit_action;
drop table core.app_settings;
drop table core.allowed_origins;
drop view core.alert_status;
drop table core.alerts;
drop table core.alert_rules;

drop function core.tg_append_only();
drop function core.tg_bump_version();
drop function core.tg_cache_invalidate();
drop function core.tg_memberships_rank();
drop function core.tg_no_truncate();
drop function core.tg_outbox();
drop function core.tg_rate_limit_policies_changed();
drop function core.tg_soft_delete();
drop function core.tg_tenant_immutable();
drop function core.tg_tenants_delete_jobs();
drop function core.tg_touch_updated_at();
drop function core.tg_audit_memberships();
drop function core.tg_audit_subscriptions();
drop function core.tg_audit_tenants();
drop function core.tg_audit_users();

alter default privileges for role app_definer grant usage on types to public;
alter default privileges for role app_definer grant execute on functions to public;
alter default privileges grant usage on types to public;
alter default privileges grant execute on functions to public;
drop schema core;
