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
    v_tag  text[];
    v_open text[] := '{}';
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
            if v_tag[2] = 'a' and 'a' = any (v_open) then
                return false;
            end if;
            v_open := v_open || v_tag[2];
        elsif v_open[cardinality(v_open)] = v_tag[2] then
            v_open := v_open[: cardinality(v_open) - 1];
        else
            return false;
        end if;
    end loop;
    return cardinality(v_open) = 0;
end
$fn$;

revoke execute on function core.is_safe_html(text) from public;
grant execute on function core.is_safe_html(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.is_safe_html(text) is
    'Whether a fragment is balanced HTML of p, br, strong, em, u and a (with an http, https or mailto href) and nothing else; null for null. '
    'core.escape_html makes any text such a fragment. Errors: none.';

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
-- No index but the key: an update then stays on its page.

-- dbkit: allow table_without_timestamps because a limit is all times, and updated_at is the last
create unlogged table core.rate_limits (
    policy         text not null,
    key            text not null,
    max_requests   integer not null,
    next_at        timestamptz,
    recorded_until timestamptz,
    hits           timestamptz[] not null default '{}',
    tat            timestamptz,
    updated_at     timestamptz not null,

    constraint rate_limits_pkey primary key (policy, key)
) with (fillfactor = 60);

comment on table core.rate_limits is 'What core.rate_limit has counted, one row per policy and key.';
comment on column core.rate_limits.key is 'user:<id>, ip:<address>, global, or a caller''s key after its tenant, its user or anon.';
comment on column core.rate_limits.max_requests is 'The policy''s, here so that a refusal reads one row.';
comment on column core.rate_limits.next_at is 'While in the future, requests are refused.';
comment on column core.rate_limits.recorded_until is 'The next violation of the key is recorded after this.';
comment on column core.rate_limits.hits is 'Algorithm exact: times of the allowed requests, the oldest first, none before the window.';
comment on column core.rate_limits.tat is 'Algorithm gcra: when the requests so far have drained (theoretical arrival time).';
comment on column core.rate_limits.updated_at is 'The last allowed request.';

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
    'A cached value of a room (a tenant, or a person), null when there is none or it is stale. Internal. Counts as a look-up. Errors: none.';

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
          or p_ttl_seconds <= 0
    then
        perform core.raise_error(
            'PT422', 'invalid', 'An entry has a key of 1 to 512 characters, a value of at most 1 MB, at most 32 tags and a positive TTL.');
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
    elsif length(p_key) > 300 then
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
    'Text encrypted with app.encryption_key (OpenPGP, AES-256), differently each time; null for null. Errors: PT503 no pgcrypto, or no '
    'app.encryption_key.';

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
    -- A standby has no unlogged tables, a read-only transaction cannot count.
    if current_setting('transaction_read_only') = 'on' then
        return query select * from core.rate_limit_degraded(p_policy, 'the transaction is read-only');
        return;
    end if;

    if p_key is not null and coalesce(current_setting('app.user_id', true), '') = '' then
        v_key := 'anon:' || p_key;
    else
        v_key := core.rate_limit_key(p_policy, p_key);
    end if;
    -- One statement: whatever else PL/pgSQL has to do is prepared anew in every transaction, at a microsecond apiece. No row: not refused.
    -- A row of the future was counted before the clock was set back, and binds nobody.
    select false,
           r.max_requests,
           0,
           ceil(extract(epoch from r.next_at - clock_timestamp()))::integer,
           r.next_at,
           nextval('core.rate_limit_refusals'),
           p_is_recorded and (r.recorded_until > clock_timestamp()) is not true
      into allowed, max_requests, remaining, retry_after, reset_at, v_refusals, v_is_due
      from core.rate_limits as r
     where r.policy = p_policy
       and r.key = v_key
       and r.next_at > clock_timestamp()
       and r.updated_at <= clock_timestamp() + interval '1 minute';
    if not found then
        return query select * from core.count_request(p_policy, v_key);
        return;
    end if;
    if v_is_due then
        perform core.record_violation(p_policy, v_key, retry_after);
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

-- migrate:down

drop trigger _700_cache_invalidate_truncate on core.users;
drop trigger _700_cache_invalidate_delete on core.users;
drop trigger _700_cache_invalidate_update on core.users;
drop trigger _700_cache_invalidate_insert on core.users;
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

drop policy closed on core.rate_limits;
drop policy system_all on core.rate_limits;

drop policy closed on core.rate_limit_violations;
drop policy system_all on core.rate_limit_violations;

drop trigger _500_recount on core.rate_limit_policies;
drop policy select_all on core.rate_limit_policies;
drop policy system_all on core.rate_limit_policies;

drop policy select_all on core.permissions;
drop policy system_all on core.permissions;

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

drop trigger _100_tenant_immutable on core.idempotency_keys;
drop policy closed on core.idempotency_keys;
drop policy system_all on core.idempotency_keys;

drop policy select_all on core.features;
drop policy system_all on core.features;

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

drop policy closed on core.app_settings;
drop policy system_all on core.app_settings;

drop policy closed on core.allowed_origins;
drop policy system_all on core.allowed_origins;

drop function core.visible_user_ids();
drop function core.upsert_user(text, text, text, text);
drop function core.tg_touch_updated_at();
drop function core.tenant_column(regclass);
drop function core.tg_tenant_immutable();
drop function core.tg_soft_delete();
drop function core.tg_rate_limit_policies_changed();
drop function core.tg_memberships_rank();
drop function core.cache_unguarded();
drop function core.tg_cache_invalidate();
drop function core.tg_bump_version();
drop function core.soft_delete_rule(regclass);
drop function core.soft_delete(regclass, uuid, integer);
drop function core.set_context_signed(text, text, text);
drop function core.seal_holds();
drop function core.rotate_context_key(interval);
drop function core.restore(regclass, uuid);
drop function core.require_user();
drop function core.require_tenant();
drop function core.require_permission(text);
drop function core.require_feature(text);
drop function core.record_violation(text, text, integer);
drop function core.record_login(text, boolean, text);
drop function core.readable_columns(regclass, text);
drop function core.rate_limit_report(interval);
drop function core.rate_limit_refusal_count();
drop function core.rate_limit_or_raise(text, text);
drop function core.rate_limit_key(text, text);
drop function core.rate_limit_degraded(text, text);
drop function core.rate_limit(text, text, boolean);
drop function core.random_context_key();
drop function core.raise_error(text, text, text, text);
drop function core.purge_rate_limits(integer);
drop function core.purge_idempotency_keys(integer);
drop function core.page_meta(integer, integer, bigint, integer);
drop function core.page(integer, integer, integer);
drop function core.origin_allowed(text, text);
drop function core.optimistic_update(regclass, uuid, jsonb, integer, text[]);
drop function core.normalize_phone(text);
drop function core.next_number(text, text, integer);
drop function core.my_tenants();
drop function core.my_tenant_ids();
drop function core.may_enter(uuid, uuid);
drop function core.issue_token(uuid, uuid, interval);
drop function core.is_valid_email(text);
drop function core.is_owner(uuid);
drop function core.is_member(uuid);
drop function core.idempotent_release(text, text, integer);
drop function core.idempotent_finish(text, text, jsonb, integer);
drop function core.idempotent_begin(text, text, jsonb);
drop function core.idempotency_claim(text, text, jsonb, interval);
drop function core.has_role(text);
drop function core.has_permission(text);
drop function core.has_feature(text);
drop function core.escape_html(text);
drop function core.error_info(text, text);
drop function core.ensure_context_key();
drop function core.encrypt_text(text);
drop function core.encode_cursor(jsonb);
drop function core.decrypt_text(bytea);
drop function core.decode_cursor(text, jsonb);
drop function core.create_tenant(text, text, text);
drop function core.count_request(text, text);
drop function core.context_mac(bytea, text, text, integer, timestamptz);
drop function core.constraint_message(text);
drop function core.client_ip();
drop function core.clear_context();
drop function core.cipher_schema();
drop function core.check_membership_change(uuid, uuid, text, text, text, text);
drop function core.check_access(uuid, uuid);
drop function core.change_subscription(uuid, text, text);
drop function core.caller_role();
drop function core.cache_write(uuid, text, text, text, jsonb, text[], integer);
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
drop function core.attach_touch(regclass);
drop function core.attach_tenant_guard(regclass, text);
drop function core.attach_soft_delete(regclass, text, text);
drop function core.attach_cache_invalidation(regclass, text, name);
drop function core.assert_settings();
drop function core.accept_membership(uuid);
drop table core.tenant_sequences;
drop table core.subscriptions;
drop table core.memberships;
drop table core.idempotency_keys;
drop table core.context_tokens;
drop table core.tenants;
drop table core.login_attempts;
drop table core.users;
drop table core.tier_features;
drop table core.subscription_tiers;
drop view core.schema_migrations;
drop domain core.safe_html;
drop table core.role_permissions;
drop table core.roles;
drop view core.rls_coverage;
drop table core.rate_limits;
drop table core.rate_limit_violations;
drop sequence core.rate_limit_refusals;
drop table core.rate_limit_policies;
drop domain core.phone_e164;
drop table core.permissions;
drop function core.is_safe_html(text);
drop table core.features;
drop domain core.email;
drop table core.context_keys;

drop function core.current_tenant_id();
drop function core.current_user_id();
drop function core.active_tenant_id();
drop function core.set_context(uuid, uuid, text, text);

drop table core.cache_stats;
drop table core.cache_policies;
drop table core.cache_lookups;
drop table core.cache_invalidations;
drop table core.cache_entries;
drop table core.app_settings;
drop table core.allowed_origins;

alter default privileges for role app_definer grant usage on types to public;
alter default privileges for role app_definer grant execute on functions to public;
alter default privileges grant usage on types to public;
alter default privileges grant execute on functions to public;
drop schema core;
