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

-- core.email: an address in lower case. Text, not citext: text equality reaches an index under row security.

-- dbkit: allow domain_with_constraint because the form of the value is a standard's and does not change
create domain core.email as text
    constraint email_valid check (
        value = lower(value)
        and value ~ '^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$'
        and length(value) <= 254
    );

comment on domain core.email is 'E-mail address in lower case, at most 254 characters. Functions lower their input; direct DML must.';

-- core.features: what a tier can switch on. Reference data, seeded.

create table core.features (
    key         text not null,
    description text not null,

    constraint features_pkey primary key (key)
);

comment on table core.features is 'What subscriptions gate; core.require_feature names a key.';

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

    constraint job_leases_pkey primary key (id),
    constraint job_leases_open_count_positive check (open_count > 0)
);

-- core.lease_of: the lease of a worker that holds a job
create index job_leases_worker_id_idx on core.job_leases (worker, id);

comment on table core.job_leases is 'Leases on claimed batches: who works on them and until when.';
comment on column core.job_leases.open_count is 'Jobs of the batch that are still to be settled.';
comment on column core.job_leases.has_keys is 'Whether a job of the batch holds a dedupe key.';
comment on column core.job_leases.settled is 'Jobs of the batch that were settled already; null: none.';

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
    constraint phone_e164_valid check (value ~ '^\+?[1-9]\d{1,14}$');

comment on domain core.phone_e164 is 'Phone number in E.164 form, the plus sign optional. core.normalize_phone strips separators.';

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

-- The one door into the queue for a single job. Who may name a tenant is decided before: core.enqueue and core.enqueue_for.

create or replace function core.add_job(
    p_tenant uuid, p_user uuid, p_job_type text, p_payload jsonb, p_priority integer, p_run_at timestamptz, p_dedupe_key text, p_queue text
) returns uuid
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
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
    select t.max_retries, t.lease_seconds, t.required_keys, q.is_fair, l.id as lane_id, l.mark,
           case when q.is_fair then sign(coalesce(p_priority, t.default_priority)) else coalesce(p_priority, t.default_priority) end as priority
      into v_type
      from core.job_types as t
     cross join core.queues as q
      left join core.queue_lanes as l
             on l.queue = q.name
            and l.priority = case when q.is_fair then 0 else coalesce(p_priority, t.default_priority) end
     where t.job_type = p_job_type
       and q.name = p_queue;
    if not found or p_payload is null or jsonb_typeof(p_payload) <> 'object' or not p_payload ?& v_type.required_keys
       -- one value, however the argument is stored
       or pg_column_size(p_payload || '{}') > 102400
    then
        perform core.refuse_payload(p_job_type, p_payload);
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
        v_tag := core.fair_tag(v_lane, p_tenant, v_priority) + core.fair_turn(p_tenant);
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

alter function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text) owner to app_definer;
revoke execute on function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text) from public;

comment on function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text) is
    'Put a job into a queue, for the functions that know whose it is. With a dedupe key that a pending or processing job of the tenant '
    'holds, the id of that job comes back and nothing is added. Errors: PT404 no such tenant, PT422 unknown type or queue, payload '
    'without a required key.';

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
    'Returns how many were settled. Not idempotent: the second call is refused. Errors: PT400 malformed failures, PT409 the lease is gone '
    'or a job named is not open in it; nothing was settled then.';

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
    return core.add_job(v_tenant, v_user, p_job_type, p_payload, p_priority, p_run_at, p_dedupe_key, p_queue);
end
$fn$;

alter function core.enqueue(text, jsonb, integer, timestamptz, text, text) owner to app_definer;
revoke execute on function core.enqueue(text, jsonb, integer, timestamptz, text, text) from public;
grant execute on function core.enqueue(text, jsonb, integer, timestamptz, text, text) to app_user;

comment on function core.enqueue(text, jsonb, integer, timestamptz, text, text) is
    'Queue a job for the active tenant and return its id. Each call adds one, unless a dedupe key names a pending or processing job of '
    'the tenant: then that one''s id comes back. Errors: PT401 nobody is signed in, PT403 no tenant named, PT422 unknown type or queue, '
    'payload without a required key or larger than 100 kB (in the hint).';

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
    'returns their ids in order. Dedupe keys as in core.enqueue. core.enqueue_many is quicker for many jobs of one type. '
    'Errors: PT400 no array of 1 to 10,000 such objects, 22P02 or 22007 a number or time that is none, and those of core.enqueue.';

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
    return core.add_job(p_tenant, null, p_job_type, p_payload, p_priority, p_run_at, p_dedupe_key, p_queue);
end
$fn$;

alter function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text) owner to app_definer;
revoke execute on function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text) from public;

comment on function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text) is
    'Queue a job for a tenant, or for the platform (null), from owner and definer code. Dedupe keys as in core.enqueue. '
    'Errors: PT404 no such tenant, PT422 unknown type or queue, payload without a required key or larger than 100 kB (in the hint).';

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
    v_tag      bigint := core.epoch_us(v_at) - 1;
    v_step     bigint := 1;
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
     where (jsonb_typeof(job.payload) = 'object' and job.payload ?& v_type.required_keys and pg_column_size(job.payload) <= 102400) is not true;
    if v_wrong is not null then
        perform core.refuse_payload(p_job_type, p_payloads[v_wrong]);
    end if;
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

    if v_fair then
        v_tag := core.fair_tag(v_lane, v_tenant, v_priority);
        v_step := core.fair_turn(v_tenant);
    else
        perform setval(v_lane.mark, v_tag) where v_tag < pg_sequence_last_value(v_lane.mark);
    end if;
    with added as (
        insert into core.jobs_ready (
            tag, scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, payload)
        select v_tag + job.number * v_step, v_at, v_now, v_lane.id, v_priority, v_type.max_retries, v_type.lease_seconds,
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
    'adds them. Errors: PT400 no or too many payloads, PT401 nobody is signed in, PT403 no tenant named, PT422 unknown type or queue, a '
    'payload without a required key (in the hint).';

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
    v_day    date;
    v_parent text;
    v_name   text;
    v_count  integer := 0;
begin
    if not pg_try_advisory_xact_lock(1685874539, 0) then
        return 0;
    end if;
    for v_day, v_parent in
        select (clock_timestamp() at time zone 'UTC')::date + day, parent
          from generate_series(0, p_days) as day cross join unnest(array['job_envelopes', 'jobs_done']) as parent
    loop
        v_name := v_parent || to_char(v_day, '"_"YYYYMMDD');
        continue when to_regclass('core.' || v_name) is not null
            or v_parent = 'job_envelopes' and exists (
                select from core.job_envelopes_default as d
                 where d.claimed_at >= v_day::timestamp at time zone 'UTC' and d.claimed_at < (v_day + 1)::timestamp at time zone 'UTC')
            or v_parent = 'jobs_done' and exists (
                select from core.jobs_done_default as d
                 where d.claimed_at >= v_day::timestamp at time zone 'UTC' and d.claimed_at < (v_day + 1)::timestamp at time zone 'UTC');
        begin
            execute format(
                'create table core.%I partition of core.%I for values from (%L) to (%L)',
                v_name, v_parent, v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC');
            execute format('alter table core.%I enable row level security, force row level security', v_name);
            execute format('create policy system_all on core.%I for all to app_owner, app_definer using (true) with check (true)', v_name);
            execute format('comment on policy system_all on core.%I is %L', v_name, 'Owner and definer functions see every row.');
            execute format('comment on table core.%I is %L', v_name, 'One day of core.' || v_parent || '.');
            v_count := v_count + 1;
        exception
            -- somebody works there: the next call tries again, and until then there is the default partition
            when lock_not_available or check_violation then null;
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
                          else make_interval(secs => greatest(f.retry_after, 0)) end,
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

-- Where a tenant's line ends in a queue that serves tenants by turns: behind its own jobs of the same or a higher priority, and not
-- before the turn that is being served. A tenant with 100,000 jobs waiting thus stands behind one with five; this costs a probe of an
-- index here and nothing at the claim, where a fair lane is read in order as any other.

create or replace function core.fair_tag(p_lane core.queue_lanes, p_tenant uuid, p_priority integer) returns bigint
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
    set plan_cache_mode = force_generic_plan
as $fn$
declare
    v_turn bigint := greatest(coalesce(pg_sequence_last_value(p_lane.mark), 0), 0);
begin
    return greatest(
        v_turn,
        (select max(line.tag)
           from generate_series(p_priority, 1) as level
          cross join lateral (
                select r.tag
                  from core.jobs_ready as r
                 where r.tenant_id = p_tenant
                   and r.lane_id = p_lane.id
                   and r.priority = level
                   and r.tag > v_turn
                 order by r.tag desc
                 limit 1) as line));
end
$fn$;

alter function core.fair_tag(core.queue_lanes, uuid, integer) owner to app_definer;
revoke execute on function core.fair_tag(core.queue_lanes, uuid, integer) from public;

comment on function core.fair_tag(core.queue_lanes, uuid, integer) is
    'The place of the last job a tenant has in a fair lane, at least the turn being served; a new job goes one turn behind. Errors: none.';

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

create or replace function core.from_epoch_us(p_us bigint) returns timestamptz
    language sql immutable parallel safe
return to_timestamp(p_us::double precision / 1000000 + 946684800);

revoke execute on function core.from_epoch_us(bigint) from public;
grant execute on function core.from_epoch_us(bigint) to app_definer;

comment on function core.from_epoch_us(bigint) is 'The time that core.epoch_us counts so many microseconds for. Errors: none.';

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
    'Cancel a job that has not started. Returns the job. Not idempotent: the second call is refused. Errors: PT401 nobody is signed in, PT403 no tenant named or permission jobs_queue.manage missing, PT404 no such job in the tenant, PT409 the job is running or has ended.';

-- The halves of core.cancel_job and core.retry_job that need rights on the tables. Who may, the callers have decided: p_tenant is the only
-- tenant whose job it may be, null any.

create or replace function core.change_job(p_job_id uuid, p_status text, p_tenant uuid, p_is_any boolean) returns core.job_queue
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_job    core.job_queue;
    v_found  boolean;
begin
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
        delete from core.job_keys as k where v_found and k.job_id = p_job_id;
    else
        -- the key has to be free again, and the number of retries begins anew
        with gone as (
            delete from core.jobs_dead as x where x.id = p_job_id and (p_is_any or x.tenant_id = p_tenant) returning x.*
        ), key as (
            insert into core.job_keys (job_id, tenant_id, job_type, dedupe_key)
            select g.id, g.tenant_id, g.job_type, g.dedupe_key from gone as g where g.dedupe_key is not null
        )
        insert into core.jobs_scheduled (
            scheduled_at, created_at, lane_id, priority, max_retries, lease_seconds, id, tenant_id, created_by, job_type, dedupe_key,
            error_message, payload)
        select clock_timestamp(), g.created_at, g.lane_id, g.priority, g.max_retries, g.lease_seconds, g.id, g.tenant_id, g.created_by,
               g.job_type, g.dedupe_key, g.error_message, g.payload
          from gone as g;
        v_found := found;
    end if;
    if not v_found then
        select j.* into v_job from core.all_jobs as j where j.id = p_job_id and (p_is_any or j.tenant_id = p_tenant) limit 1;
        if not found then
            perform core.raise_error('PT404', 'not_found', 'There is no such job.');
        end if;
        perform core.raise_error(
            'PT409', 'conflict', 'The job is not in a state in which this can be done.', jsonb_build_object('status', v_job.status)::text);
    end if;
    select j.* into v_job from core.all_jobs as j where j.id = p_job_id and j.status in ('pending', 'cancelled');
    if p_status = 'pending' then
        perform core.promote_jobs();
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
    'Cancel a pending job, or make a dead one pending again. Errors: PT404 no such job, PT409 the job is in another state or its dedupe key '
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

create or replace function core.heartbeat(p_leases bigint[]) returns table (lease_id bigint, is_held boolean, seconds_left double precision)
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
         returning l.id, l.lease_seconds
        )
        select asked.id, e.id is not null, coalesce(e.lease_seconds, 0)::double precision
          from unnest(p_leases) as asked (id)
          left join extended as e on e.id = asked.id;
end
$fn$;

alter function core.heartbeat(bigint[]) owner to app_definer;
revoke execute on function core.heartbeat(bigint[]) from public;
grant execute on function core.heartbeat(bigint[]) to app_worker;

comment on function core.heartbeat(bigint[]) is
    'Extend leases from now on; answers for each whether it is still held (if not, stop: another worker may have the jobs) and for how '
    'many seconds. Repeating it extends again. Errors: none.';

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

-- A priority is new to a queue once in the queue's life, so the lane and its mark are made on demand.

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
        perform pg_advisory_xact_lock(hashtextextended('core.queue_lanes', 0));
        if (select count(*) from core.queue_lanes as l where l.queue = p_queue) >= 100 then
            perform core.raise_error('PT422', 'invalid', 'The queue has 100 priorities already.', '{"priority": "use one of those in use"}');
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
    'The lane of a queue for a priority, made when it is new; a fair queue has one for all. Idempotent. '
    'Errors: PT422 more than 100 priorities in a queue, 23503 no such queue.';

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

comment on function core.new_job_id(timestamptz) is 'A random id that begins with the time (UUID version 7). Errors: none.';

-- Complete and claim in one round trip. A claim takes rows out of core.jobs_ready and writes them once, as one envelope with one lease:
-- what a batch costs is its deletes. Everything is static SQL with LIMIT inside the locking subquery, which reads the index in order
-- and never takes more than it was asked for.

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
    v_queue  record;
    v_limit  integer := p_limit;
    v_jobs   core.jobs_ready[];
    v_lease  bigint;
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
    select q.is_fair,
           q.max_running,
           exists (
                select
                  from core.jobs_scheduled as s
                 where s.scheduled_at >= core.from_epoch_us(coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0))
                   and s.scheduled_at <= clock_timestamp()) as is_due,
           core.epoch_us(clock_timestamp()) > coalesce(pg_sequence_last_value('core.queue_swept_at'), 0) + 100000 as is_swept
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
    if v_queue.is_swept then
        perform core.sweep_lanes();
    end if;

    loop
        with picked as materialized (
            select waiting.place
              from (
                select l.id, coalesce(pg_sequence_last_value(l.mark), v_lowest) as mark
                  from core.queue_lanes as l
                 where l.queue = p_queue
                 order by l.queue, l.priority desc) as lane
             cross join lateral (
                select r.ctid as place
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
             where r.ctid = any (array(select picked.place from picked))
         returning r as job
        ), batch as (
            select array_agg(gone.job order by case when v_queue.is_fair then 0 else -(gone.job).priority end, (gone.job).tag) as jobs,
                   max((gone.job).lease_seconds) as lease_seconds,
                   bool_or((gone.job).dedupe_key is not null) as has_keys
              from gone
        ), lease as (
            insert into core.job_leases (claimed_at, lease_until, lease_seconds, open_count, queue, worker, has_keys)
            select moment.now, moment.now + make_interval(secs => b.lease_seconds), b.lease_seconds, cardinality(b.jobs), p_queue, p_worker, b.has_keys
              from batch as b
             cross join (select clock_timestamp() as now offset 0) as moment
             where b.jobs is not null
         returning id, claimed_at, worker
        ), envelope as (
            insert into core.job_envelopes (id, claimed_at, worker, jobs)
            select l.id, l.claimed_at, l.worker, b.jobs from lease as l cross join batch as b
        )
        select l.id, b.jobs into v_lease, v_jobs from lease as l cross join batch as b;
        -- nothing in sight: before giving up, look below the marks
        exit when found or core.sweep_lanes() is not true;
    end loop;
    if v_jobs is null then
        return;
    end if;
    -- a mark a few jobs behind is as good, so small claims write it now and then only
    if cardinality(v_jobs) >= 16 or v_lease % 8 = 0 then
        perform core.raise_marks(v_jobs, p_types is null);
    end if;
    return query
        select v_lease, job.id, job.tenant_id, p_queue, job.job_type, job.payload, job.priority, job.retry_count, job.max_retries,
               job.scheduled_at, job.created_at, max(job.lease_seconds) over ()
          from unnest(v_jobs) as job;
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
    from '^\+?[1-9]\d{1,14}$');

revoke execute on function core.normalize_phone(text) from public;
grant execute on function core.normalize_phone(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.normalize_phone(text) is
    'A phone number without separators, 00 as +; null when what is left is no core.phone_e164. Errors: none.';

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
    'core.cancel_job for platform administrators: any tenant''s job, without a context. Errors: PT404 no such job, PT409 the job is running or has ended.';

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
    'core.retry_job for platform administrators: any tenant''s job, without a context. Errors: PT404 no such job, PT409 the job has not failed, or its dedupe key is in use.';

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
    v_now   timestamptz := clock_timestamp();
    v_moved integer;
    v_low   bigint;
begin
    if not pg_try_advisory_xact_lock(1685874538, 0) then
        return 0;
    end if;
    with due as materialized (
        select s.ctid as place
          from core.jobs_scheduled as s
         where s.scheduled_at >= core.from_epoch_us(coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0))
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
        select case
                 when q.is_fair then
                    core.fair_tag(l, g.tenant_id, g.priority)
                    + core.fair_turn(g.tenant_id) * row_number() over (partition by g.lane_id, g.tenant_id, g.priority order by g.scheduled_at)
                 else core.epoch_us(g.scheduled_at)
               end,
               g.scheduled_at, g.created_at, g.lane_id, g.priority, g.retry_count, g.max_retries, g.lease_seconds, g.id, g.tenant_id,
               g.created_by, g.job_type, g.dedupe_key, g.error_message, g.payload
          from gone as g
          join core.queue_lanes as l on l.id = g.lane_id
          join core.queues as q on q.name = l.queue
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
             where s.scheduled_at >= core.from_epoch_us(coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0))
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

-- History leaves by whole days. The parent's lock is asked for with little patience: whoever waits for it makes all claims wait.

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
    v_count  bigint := 0;
    v_jobs   bigint;
begin
    if p_keep is null or p_keep < interval '0' then
        perform core.raise_error('PT400', 'bad_request', 'A period to keep jobs is zero or more.');
    end if;
    perform core.ensure_job_partitions();
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
            execute format('drop table core.%I', 'job_envelopes_' || v_day);
            execute format('drop table if exists core.%I', 'jobs_done_' || v_day);
            v_count := v_count + v_jobs;
        exception
            when lock_not_available then null;
        end;
    end loop;
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
        delete from core.jobs_dead as x where x.finished_at < v_before returning 1 as jobs
    )
    select v_count + (select coalesce(sum(gone.jobs), 0) from gone) + (select count(*) from dead) into v_count;
    return v_count;
end
$fn$;

alter function core.purge_jobs(interval) owner to app_definer;
revoke execute on function core.purge_jobs(interval) from public;

comment on function core.purge_jobs(interval) is
    'Forget jobs that ended longer ago than p_keep: days of finished ones as whole partitions, failed and cancelled ones by row. Returns how '
    'many. Idempotent, and safe in parallel; a day somebody reads is left for the next call. Errors: PT400 no period.';

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

-- Claims of a queue with a limit wait for each other at its row: whoever counts has seen every lease of those before it.

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
    v_queue   core.queues;
    v_running bigint;
    v_first   bigint;
begin
    select q.* into v_queue from core.queues as q where q.name = p_queue for no key update;
    -- leases of this queue get their ids one after the other here, so below the oldest living one there are none any more
    select coalesce(sum(l.open_count), 0), min(l.id)
      into v_running, v_first
      from core.job_leases as l
     where l.id >= coalesce(pg_sequence_last_value(v_queue.lease_low), 0)
       and l.queue = p_queue;
    perform setval(v_queue.lease_low, v_first) where v_first > coalesce(pg_sequence_last_value(v_queue.lease_low), 0);
    return greatest(v_queue.max_running - v_running, 0);
end
$fn$;

alter function core.queue_room(text) owner to app_definer;
revoke execute on function core.queue_room(text) from public;

comment on function core.queue_room(text) is
    'How many jobs of a limited queue may start now; the answer stays true until the transaction ends. Errors: none.';

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
    if p_is_complete and p_jobs[1].lane_id = p_jobs[cardinality(p_jobs)].lane_id then
        -- the usual claim: one lane, in order, so its first job is the lowest
        perform setval(l.mark, p_jobs[1].tag)
           from core.queue_lanes as l
          where l.id = p_jobs[1].lane_id
            and p_jobs[1].tag > coalesce(pg_sequence_last_value(l.mark), p_jobs[1].tag - 1);
        return;
    end if;
    perform setval(l.mark, claimed.tag)
       from (
            select claimed.lane_id, case when p_is_complete then claimed.tag else coalesce(waiting.tag, claimed.tag) end as tag
              from (
                select job.lane_id, min(job.tag) as tag
                  from unnest(p_jobs) as job
                 group by job.lane_id) as claimed
             cross join core.queue_lanes as l
              -- a claim of some types says nothing of the others, whose jobs may wait before it
              left join lateral (
                select r.tag
                  from core.jobs_ready as r
                 where r.lane_id = claimed.lane_id
                   and r.tag >= coalesce(pg_sequence_last_value(l.mark), -9223372036854775808)
                   and not p_is_complete
                 order by r.tag
                 limit 1) as waiting on true
             where l.id = claimed.lane_id) as claimed
       join core.queue_lanes as l on l.id = claimed.lane_id
      where claimed.tag > coalesce(pg_sequence_last_value(l.mark), claimed.tag - 1);
end
$fn$;

alter function core.raise_marks(core.jobs_ready[], boolean) owner to app_definer;
revoke execute on function core.raise_marks(core.jobs_ready[], boolean) from public;

comment on function core.raise_marks(core.jobs_ready[], boolean) is
    'Let the next claims begin where this one did; p_is_complete: it took every type of job. Errors: none.';

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
    'A fresh 128-byte secret for core.context_keys. Internal. Errors: none.';

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

create or replace function core.record_login(p_email text, p_ok boolean, p_reason text default null) returns void
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_limit  constant integer := 5;
    c_window constant interval := '15 minutes';
    v_email  text := lower(p_email);
    v_fifth  timestamptz;
begin
    if p_ok is null or not coalesce(core.is_valid_email(v_email), false) then
        perform core.raise_error('PT422', 'invalid', 'A sign-in attempt needs a valid e-mail address and an outcome.');
    end if;

    -- Parallel guesses count one after the other.
    perform pg_advisory_xact_lock(hashtextextended('core.login_attempts:' || v_email, 0));
    select a.created_at
      into v_fifth
      from core.login_attempts as a
     where a.email = v_email
       and not a.succeeded
       and a.created_at > clock_timestamp() - c_window
       and a.created_at > coalesce(
            (select max(ok.created_at) from core.login_attempts as ok where ok.email = v_email and ok.succeeded), '-infinity')
     order by a.created_at desc
    offset c_limit - 1
     limit 1;
    if found then
        perform core.raise_error(
            'PT429', 'rate_limited', 'Too many failed sign-ins for this address.',
            jsonb_build_object(
                'retry_after', ceil(extract(epoch from v_fifth + c_window - clock_timestamp()))::integer,
                'limit', c_limit,
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
    'Record a sign-in attempt; a success forgives the failures before it. Each call records. Errors: PT422 malformed address, PT429 five '
    'failures in 15 minutes (the hint has retry_after in seconds).';

create or replace function core.refuse_payload(p_job_type text, p_payload jsonb) returns void
    language plpgsql stable
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_missing jsonb;
begin
    if not exists (select from core.job_types as t where t.job_type = p_job_type) then
        perform core.raise_error('PT422', 'invalid', 'There is no job type of this name.', '{"job_type": "unknown"}');
    end if;
    if p_payload is null or jsonb_typeof(p_payload) <> 'object' then
        perform core.raise_error('PT422', 'invalid', 'The payload of a job is a JSON object.', '{"payload": "must be an object"}');
    end if;
    -- an envelope carries the payloads of a batch, so one that is too large would stop the jobs behind it as well
    if pg_column_size(p_payload || '{}') > 102400 then
        perform core.raise_error('PT422', 'invalid', 'A payload has at most 100 kB: store files elsewhere and name them.', '{"payload": "must not be larger than 100 kB"}');
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

alter function core.refuse_payload(text, jsonb) owner to app_definer;
revoke execute on function core.refuse_payload(text, jsonb) from public;

comment on function core.refuse_payload(text, jsonb) is
    'Say what is wrong with a type and its payload. Errors: PT422 unknown type, payload that is no object, lacks a required key '
    'or is larger than 100 kB (hint).';

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
-- would do so for ever.

create or replace function core.requeue_expired_leases() returns integer
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_lease core.job_leases;
    v_count integer := 0;
begin
    perform core.ensure_job_partitions();
    for v_lease in
        select l.* from core.job_leases as l where l.lease_until < clock_timestamp() order by l.id limit 1000 for update skip locked
    loop
        perform core.settle_lease(v_lease.id, '{}', (
            select jsonb_agg(jsonb_build_object('id', job.id, 'error', 'lease expired: worker ' || v_lease.worker || ' fell silent', 'retry_after', 0))
              from core.job_envelopes as e
             cross join unnest(e.jobs) as job
             where e.id = v_lease.id and e.claimed_at = v_lease.claimed_at and job.id <> all (coalesce(v_lease.settled, '{}'))), null);
        v_count := v_count + v_lease.open_count;
        perform core.wake_workers(v_lease.queue);
    end loop;
    perform core.promote_jobs();
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
grant execute on function core.require_tenant() to app_user, app_renter, app_readonly;

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
    if not (v_done || v_failed) <@ v_open or v_done && v_failed then
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
    'What core.complete_jobs and core.next_jobs do with a lease. Errors: PT400 malformed failures, PT409 the lease or a job named is not '
    'the caller''s any more.';

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
        return null;
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
       from (select core.epoch_us(min(s.scheduled_at)) as due from core.jobs_scheduled as s) as waiting
      where least(waiting.due, v_start) <> coalesce(pg_sequence_last_value('core.queue_scheduled_low'), 0);
    v_end := core.epoch_us(clock_timestamp());
    perform setval('core.queue_swept_at', v_end + 20 * greatest(v_end - v_start - 1000, 0));
    return v_is_lower;
end
$fn$;

alter function core.sweep_lanes() owner to app_definer;
revoke execute on function core.sweep_lanes() from public;

comment on function core.sweep_lanes() is
    'Set the low-water marks to what really waits. True: one was too high, so look again; false: none was; null: a sweep is running or was '
    'just done. Idempotent. Errors: none.';

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
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    perform pg_notify('dbkit_jobs', p_queue) where pg_try_advisory_xact_lock(1685874536, hashtext(p_queue));
end
$fn$;

alter function core.wake_workers(text) owner to app_definer;
revoke execute on function core.wake_workers(text) from public;

comment on function core.wake_workers(text) is
    'Tell idle workers (LISTEN dbkit_jobs, payload: the queue) that there is work, unless another transaction is just doing so. '
    'Idempotent. Errors: none.';

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

-- migrate:down

drop trigger _300_touch_updated_at on core.users;
drop policy update_self on core.users;
drop policy select_fellows on core.users;
drop policy system_all on core.users;

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

drop policy closed on core.queues;
drop policy system_all on core.queues;

drop trigger _100_tenant_immutable on core.queue_weights;
drop policy closed on core.queue_weights;
drop policy system_all on core.queue_weights;

drop policy closed on core.queue_lanes;
drop policy system_all on core.queue_lanes;

drop policy select_all on core.permissions;
drop policy system_all on core.permissions;

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

drop policy select_all on core.features;
drop policy system_all on core.features;

drop policy closed on core.context_tokens;
drop policy system_all on core.context_tokens;

drop policy closed on core.context_keys;
drop policy system_all on core.context_keys;

drop policy closed on core.app_settings;
drop policy system_all on core.app_settings;

drop policy closed on core.allowed_origins;
drop policy system_all on core.allowed_origins;

drop function core.wake_workers(text);
drop function core.visible_user_ids();
drop function core.upsert_user(text, text, text, text);
drop function core.tg_touch_updated_at();
drop function core.tg_tenants_delete_jobs();
drop function core.tenant_column(regclass);
drop function core.tg_tenant_immutable();
drop function core.tg_soft_delete();
drop function core.tg_memberships_rank();
drop function core.tg_bump_version();
drop function core.sweep_lanes();
drop function core.soft_delete_rule(regclass);
drop function core.soft_delete(regclass, uuid, integer);
drop function core.settle_lease(bigint, uuid[], jsonb, jsonb);
drop function core.set_context_signed(text, text, text);
drop function core.seal_holds();
drop function core.rotate_context_key(interval);
drop function core.retry_job(uuid);
drop function core.restore(regclass, uuid);
drop function core.require_user();
drop function core.require_tenant();
drop function core.require_permission(text);
drop function core.require_feature(text);
drop function core.requeue_expired_leases();
drop function core.release_jobs(bigint, uuid[]);
drop function core.refuse_payload(text, jsonb);
drop function core.record_login(text, boolean, text);
drop function core.readable_columns(regclass, text);
drop function core.random_context_key();
drop function core.raise_marks(core.jobs_ready[], boolean);
drop function core.raise_error(text, text, text, text);
drop function core.queue_room(text);
drop function core.put_queue_weight(uuid, numeric);
drop function core.put_queue(text, boolean, integer);
drop function core.purge_jobs(interval);
drop function core.promote_jobs(integer);
drop function core.platform_retry_job(uuid);
drop function core.platform_cancel_job(uuid);
drop function core.page_meta(integer, integer, bigint, integer);
drop function core.page(integer, integer, integer);
drop function core.origin_allowed(text, text);
drop function core.optimistic_update(regclass, uuid, jsonb, integer, text[]);
drop function core.normalize_phone(text);
drop function core.next_number(text, text, integer);
drop function core.next_jobs(text, integer, text, text[], bigint, uuid[], jsonb, jsonb);
drop function core.new_job_id(timestamptz);
drop function core.my_tenants();
drop function core.my_tenant_ids();
drop function core.may_enter(uuid, uuid);
drop function core.lease_of(uuid, text);
drop function core.lane_of(text, integer);
drop function core.job_backoff(text, integer);
drop function core.issue_token(uuid, uuid, interval);
drop function core.is_valid_email(text);
drop function core.is_owner(uuid);
drop function core.is_member(uuid);
drop function core.heartbeat_job(uuid, text);
drop function core.heartbeat(bigint[]);
drop function core.has_role(text);
drop function core.find_job(uuid);
drop function core.fail_job(uuid, text, text, boolean, double precision);
drop function core.change_job(uuid, text, uuid, boolean);
drop function core.cancel_job(uuid);
drop view core.job_queue;
drop function core.has_permission(text);
drop function core.has_feature(text);
drop function core.from_epoch_us(bigint);
drop function core.fair_turn(uuid);
drop function core.fair_tag(core.queue_lanes, uuid, integer);
drop function core.fail_jobs(core.job_leases, jsonb);
drop function core.error_info(text, text);
drop function core.epoch_us(timestamptz);
drop function core.ensure_job_partitions(integer);
drop function core.ensure_context_key();
drop function core.enqueue_many(text, jsonb[], integer, timestamptz, text);
drop function core.enqueue_for(uuid, text, jsonb, integer, timestamptz, text, text);
drop function core.enqueue_batch(jsonb);
drop function core.enqueue(text, jsonb, integer, timestamptz, text, text);
drop function core.encode_cursor(jsonb);
drop function core.decode_cursor(text, jsonb);
drop function core.create_tenant(text, text, text);
drop function core.context_mac(bytea, text, text, integer, timestamptz);
drop function core.constraint_message(text);
drop function core.complete_jobs(bigint, uuid[], jsonb, jsonb);
drop function core.complete_job(uuid, text, jsonb);
drop function core.client_ip();
drop function core.clear_context();
drop function core.claim_jobs(text, integer, text, text[]);
drop function core.check_membership_change(uuid, uuid, text, text, text, text);
drop function core.check_access(uuid, uuid);
drop function core.change_subscription(uuid, text, text);
drop function core.caller_role();
drop function core.attach_touch(regclass);
drop function core.attach_tenant_guard(regclass, text);
drop function core.attach_soft_delete(regclass, text, text);
drop function core.assert_settings();
drop function core.add_job(uuid, uuid, text, jsonb, integer, timestamptz, text, text);
drop function core.accept_membership(uuid);
drop table core.tenant_sequences;
drop table core.subscriptions;
drop table core.queue_weights;
drop view core.queue_health;
drop table core.memberships;
drop view core.all_jobs;
drop table core.jobs_scheduled;
drop table core.jobs_dead;
drop table core.job_keys;
drop table core.context_tokens;
drop table core.tenants;
drop table core.login_attempts;
drop table core.users;
drop table core.tier_features;
drop table core.subscription_tiers;
drop function core.sees_all_jobs();
drop view core.schema_migrations;
drop table core.role_permissions;
drop table core.roles;
drop view core.rls_coverage;

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
drop domain core.phone_e164;
drop table core.permissions;

drop table core.job_envelopes_default;
drop table core.job_envelopes;

drop table core.jobs_ready;

drop table core.jobs_done_default;
drop table core.jobs_done;

drop table core.job_types;
drop table core.job_leases;
drop table core.features;
drop domain core.email;
drop table core.context_keys;

drop function core.current_tenant_id();
drop function core.current_user_id();
drop function core.active_tenant_id();
drop function core.set_context(uuid, uuid, text, text);

drop table core.app_settings;
drop table core.allowed_origins;

alter default privileges for role app_definer grant usage on types to public;
alter default privileges for role app_definer grant execute on functions to public;
alter default privileges grant usage on types to public;
alter default privileges grant execute on functions to public;
drop schema core;
