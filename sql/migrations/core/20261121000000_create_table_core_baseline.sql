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

-- core.audit_log: who changed what, of every audited table (core.attach_audit). Append-only, one partition a month
-- (core.audit_partitions); what no month takes goes to the default partition, so that a write never fails for want of one.

-- dbkit: allow key_without_tenant_first because nothing references an entry, and partitions need their time in the key
create table core.audit_log (
    id              bigint not null generated always as identity,
    -- dbkit: allow tenant_column_nullable because changes of data that is no tenant's are recorded as well
    tenant_id       uuid,
    user_id         uuid,
    action          text not null,
    -- no language's order: an index of them costs half as much to write
    entity_type     text collate "C" not null,
    entity_id       text collate "C" not null,
    old_values      jsonb,
    new_values      jsonb,
    changed_columns text[],
    request_id      text,
    db_role         text not null default session_user,
    -- a bigint and not xid8, which has no BRIN operators
    transaction_id  bigint not null default (pg_current_xact_id()::text)::bigint,
    created_at      timestamptz not null default now(),

    constraint audit_log_pkey primary key (id, created_at),
    constraint audit_log_action_valid check (action ~ '^[a-z_]+$')
) partition by range (created_at);

create table core.audit_log_default partition of core.audit_log default;

-- core.audit_search without an entity: the newest of a tenant
create index audit_log_tenant_created_idx on core.audit_log (tenant_id, created_at desc);
-- core.audit_search and core.audit_restore: the history of one entity
-- dbkit: allow wide_index because an entity is found by all of it, newest change first
create index audit_log_entity_idx on core.audit_log (tenant_id, entity_type, entity_id, created_at desc);
-- core.seal_audit: what was written since the last seal
create index audit_log_created_brin_idx on core.audit_log using brin (created_at, transaction_id);

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
                  'tg_audit_' || case when length(c.relname) <= 54 then c.relname
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
    'and is not recorded. For the owner of the table. Call it again in the migration that adds, renames or drops a column: until then new '
    'columns are compared more slowly, and writes fail where one is gone. TRUNCATE records every row, so it takes as long as DELETE. Idempotent. '
    'Errors: PT422 the table has no primary key, a column does not exist, the log is none or app_definer cannot write it or read the '
    'table; 42501 not the owner.';

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
               then format('o.%1$I is distinct from n.%1$I', p_column)
               else format('row(o.%1$I)::record operator(pg_catalog.*<>) row(n.%1$I)::record', p_column)
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

-- Columns go in groups of four: the usual update changes one, and the other groups are passed over by one test each.

create or replace function core.audit_diff_sql(
    p_table regclass, p_key name[], p_redacted text[], p_ignored text[],
    out old_values text, out new_values text, out changed_columns text, out is_changed text
) returns record
    language sql stable
begin atomic
    with compared as (
        select c.name,
               core.audit_comparison(p_table, c.name::name) as test,
               c.name = any (p_redacted) as is_redacted,
               (row_number() over (order by c.name collate "C") - 1) / 4 as group_no
          from unnest(core.audit_columns(p_table)) as c (name)
         where c.name <> all (p_key::text[])
           and c.name <> all (p_ignored)
    ), written as (
        select c.group_no,
               c.name,
               c.test,
               case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                    else format('jsonb_build_object(%L, o.%I)', c.name, c.name) end as old_pair,
               case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                    else format('jsonb_build_object(%L, n.%I)', c.name, c.name) end as new_pair
          from compared as c
    ), grouped as (
        select w.group_no,
               string_agg(w.test, ' or ' order by w.name collate "C") as test,
               string_agg(format('case when %s then %s else v_none end', w.test, w.old_pair), ' || ' order by w.name collate "C") as old_pairs,
               string_agg(format('case when %s then %s else v_none end', w.test, w.new_pair), ' || ' order by w.name collate "C") as new_pairs,
               string_agg(format('case when %s then %L end', w.test, w.name), ', ' order by w.name collate "C") as names
          from written as w
         group by w.group_no
    )
    select coalesce(string_agg(format('case when %s then %s else v_none end', g.test, g.old_pairs), ' || ' order by g.group_no), 'v_none'),
           coalesce(string_agg(format('case when %s then %s else v_none end', g.test, g.new_pairs), ' || ' order by g.group_no), 'v_none'),
           format('array_remove(array[%s]::text[], null)', string_agg(g.names, ', ' order by g.group_no)),
           coalesce(string_agg(g.test, ' or ' order by g.group_no), 'false')
      from grouped as g;
end;

revoke execute on function core.audit_diff_sql(regclass, name[], text[], text[]) from public;

comment on function core.audit_diff_sql(regclass, name[], text[], text[]) is
    'SQL over the row aliases o and n, for core.audit_trigger_sql: the changed columns before and after, their names, and whether there '
    'are any. Internal. Errors: none.';

create or replace function core.audit_entity_sql(p_key name[], p_tenant_column text, p_alias text) returns text
    language sql immutable parallel safe
begin atomic
    select case when count(*) = 1 then min(format('%I.%I::text', p_alias, k.name))
                else format('jsonb_build_array(%s)::text', string_agg(format('%I.%I', p_alias, k.name), ', ' order by k.position)) end
      from unnest(p_key) with ordinality as k (name, position)
     where k.name is distinct from p_tenant_column
        or cardinality(p_key) = 1;
end;

revoke execute on function core.audit_entity_sql(name[], text, text) from public;

comment on function core.audit_entity_sql(name[], text, text) is
    'SQL of the entity_id of a row: its key without the tenant column, unless that is the whole key. Internal. Errors: none.';

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
    'False when columns came or went since core.attach_audit ran, when a partition has no triggers, or when a trigger is missing or '
    'disabled: run core.attach_audit again.';

grant select on core.audited_tables to app_monitor, app_definer;

-- A record as text says every value apart from every other: quotes are doubled, null is not ''. Times go as seconds since the epoch, so
-- that no setting of the session has a say. The columns are listed: one that is added to the log later leaves old hashes alone.

create or replace function core.audit_entry_hash(l core.audit_log) returns uuid
    language sql stable parallel safe
return encode(
    substr(
        sha256(
            convert_to(
                row(l.id, l.tenant_id, l.user_id, l.action, l.entity_type, l.entity_id, l.old_values, l.new_values, l.changed_columns,
                    l.request_id, l.db_role, l.transaction_id, extract(epoch from l.created_at))::text,
                'UTF8')),
        1, 16),
    'hex')::uuid;

revoke execute on function core.audit_entry_hash(core.audit_log) from public;
grant execute on function core.audit_entry_hash(core.audit_log) to app_definer;

comment on function core.audit_entry_hash(core.audit_log) is
    'The first 128 bits of the SHA-256 of an audit entry, all of its columns. Internal. Errors: none.';

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
create or replace function core.audit_is_current(p_table regclass, p_columns text[]) returns boolean
    language plpgsql immutable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return p_columns = core.audit_columns(p_table);
end
$fn$;

revoke execute on function core.audit_is_current(regclass, text[]) from public;
grant execute on function core.audit_is_current(regclass, text[]) to app_definer, app_monitor;

comment on function core.audit_is_current(regclass, text[]) is
    'Whether a table still has exactly these columns (sorted by name), those its audit trigger was generated for. Internal. Errors: none.';

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
    v_keys    text[] := array(
        select a.attname::text
          from pg_index as i
          join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
         where i.indrelid = p_table
           and i.indisprimary
         order by array_position(i.indkey::smallint[], a.attnum));
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
--   * core.audit_is_current is answered while planning, and again when the table changes: with a column added later whole rows are
--     compared as jsonb until core.attach_audit runs again.
--   * Compiling such a plan takes longer than running it: no JIT.

create or replace function core.audit_trigger_sql(
    p_table regclass, p_function text, p_target regclass, p_tenant_column text, p_redacted text[], p_ignored text[]
) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key      name[];
    v_is_known text := format('core.audit_is_current(%L::regclass, %L::text[])', p_table, core.audit_columns(p_table));
    v_diff     record;
    v_redact   text := coalesce((select format(' || %L::jsonb', jsonb_object_agg(r.name, '[redacted]')) from unnest(p_redacted) as r (name) having count(*) > 0), '');
    v_insert   text;
    v_missing  text;
    v_joined   text;
begin
    select array_agg(a.attname order by array_position(i.indkey::smallint[], a.attnum))
      into v_key
      from pg_index as i
      join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
     where i.indrelid = p_table
       and i.indisprimary;

    v_diff := core.audit_diff_sql(p_table, v_key, p_redacted, p_ignored);
    select string_agg(format('n.%1$I = o.%1$I', k.name), ' and ' order by k.position),
           format('%%s.%I is null', v_key[1])
      into v_joined, v_missing
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
declare
    v_none    constant jsonb := '{}';
    v_user    uuid;
    v_request text := left(nullif(current_setting('app.request_id', true), ''), 200);
begin
    if nullif(current_setting('app.user_id', true), '') is not null then
        v_user := core.current_user_id();
    end if;

    if tg_op = 'INSERT' then
        %2$s
        select %3$s, v_user, 'insert', %5$L, %6$s, null, to_jsonb(n)%8$s, null%9$s
          from new_rows as n;
    elsif tg_op = 'UPDATE' then
        %2$s
        select case when %11$s then %4$s else %3$s end,
               v_user,
               case when %11$s then 'delete' when %10$s then 'insert' else 'update' end,
               %5$L,
               case when %11$s then %7$s else %6$s end,
               case when %10$s then null
                    when %11$s then to_jsonb(o)%8$s
                    when %12$s then %13$s
                    else core.audit_diff(to_jsonb(o), to_jsonb(n), %17$L::text[], %18$L::text[]) end,
               case when %11$s then null
                    when %10$s then to_jsonb(n)%8$s
                    when %12$s then %14$s
                    else core.audit_diff(to_jsonb(n), to_jsonb(o), %17$L::text[], %18$L::text[]) end,
               case when %10$s or %11$s then null
                    when %12$s then %15$s
                    else array(select jsonb_object_keys(core.audit_diff(to_jsonb(n), to_jsonb(o), %17$L::text[], '{}'))) end%9$s
          from old_rows as o
          full join new_rows as n on %19$s
         where %10$s
            or %11$s
            or case when %12$s then %16$s
                    else core.audit_diff(to_jsonb(n), to_jsonb(o), %17$L::text[], '{}') <> v_none end;
    elsif tg_op = 'DELETE' then
        %2$s
        select %4$s, v_user, 'delete', %5$L, %7$s, to_jsonb(o)%8$s, null, null%9$s
          from old_rows as o;
    else
        %2$s
        select %4$s, v_user, 'truncate', %5$L, %7$s, to_jsonb(o)%8$s, null, null%9$s
          from %20$s as o
         where o.tableoid = tg_relid%21$s;
    end if;
    return null;
end
$audit$ $sql$,
        p_function,
        v_insert,
        coalesce('n.' || quote_ident(p_tenant_column), 'null::uuid'),
        coalesce('o.' || quote_ident(p_tenant_column), 'null::uuid'),
        core.audit_entity_type(p_table),
        core.audit_entity_sql(v_key, p_tenant_column, 'n'),
        core.audit_entity_sql(v_key, p_tenant_column, 'o'),
        v_redact,
        case when v_insert like '%, request_id)' then ', v_request' end,
        format(v_missing, 'o'),
        format(v_missing, 'n'),
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
            and c.relkind = 'p'));
end
$fn$;

revoke execute on function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]) from public;

comment on function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]) is
    'The statement that creates the audit trigger function of a table, for core.attach_audit. Internal. Errors: none.';

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
    v_key    text[] := array(
        select a.attname::text
          from pg_index as i
          join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
         where i.indrelid = p_table
           and i.indisprimary);
    v_column text;
begin
    if cardinality(v_key) = 0 then
        perform core.raise_error('PT422', 'invalid', format('%s has no primary key to know its rows by.', p_table));
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
    'Guard a new partition of the audit log like the one in its guard sheet. Internal. Errors: 42710 it is guarded already.';

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
    'Wait for everybody who is writing to the audit log, and keep others from it until the transaction ends. Internal. Errors: 55P03.';

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
    'Seal the entries of a range of ids and transactions as one run, for core.seal_audit. Internal. Errors: none.';

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
    'empties into the log and drops. For core.audit_partitions. Internal. Errors: 55P03.';

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

select core.attach_audit('core.memberships', 'core.audit_log', 'tenant_id');

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

select core.attach_audit('core.subscriptions', 'core.audit_log', 'tenant_id');

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

-- Platform roles and deactivation above all. A person is no tenant's, so no tenant reads this history.
select core.attach_audit('core.users', 'core.audit_log', null, p_redact => '{auth_subject}', p_ignore => '{last_seen_at}');

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

drop policy select_all on core.features;
drop policy system_all on core.features;

drop policy closed on core.context_tokens;
drop policy system_all on core.context_tokens;

drop policy closed on core.context_keys;
drop policy system_all on core.context_keys;

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

drop function core.visible_user_ids();
drop function core.verify_audit(uuid, bigint, text, integer);
drop function core.upsert_user(text, text, text, text);
drop function core.tg_touch_updated_at();
drop function core.tenant_column(regclass);
drop function core.tg_tenant_immutable();
drop function core.tg_soft_delete();
drop function core.tg_no_truncate();
drop function core.tg_memberships_rank();
drop function core.tg_bump_version();
drop function core.tg_append_only();
drop function core.soft_delete_rule(regclass);
drop function core.soft_delete(regclass, uuid, integer);
drop function core.set_context_signed(text, text, text);
drop function core.set_audit_strays_aside();
drop function core.seal_holds();
drop function core.seal_audit_range(integer, bigint, bigint, bigint, bigint, bigint);
drop function core.seal_audit();
drop function core.rotate_context_key(interval);
drop function core.restore(regclass, uuid);
drop function core.require_user();
drop function core.require_tenant();
drop function core.require_permission(text);
drop function core.require_feature(text);
drop function core.record_login(text, boolean, text);
drop function core.readable_columns(regclass, text);
drop function core.random_context_key();
drop function core.raise_error(text, text, text, text);
drop function core.page_meta(integer, integer, bigint, integer);
drop function core.page(integer, integer, integer);
drop function core.origin_allowed(text, text);
drop function core.optimistic_update(regclass, uuid, jsonb, integer, text[]);
drop function core.normalize_phone(text);
drop function core.next_number(text, text, integer);
drop function core.my_tenants();
drop function core.my_tenant_ids();
drop function core.may_enter(uuid, uuid);
drop function core.lock_audit_log();
drop function core.issue_token(uuid, uuid, interval);
drop function core.is_valid_email(text);
drop function core.is_owner(uuid);
drop function core.is_member(uuid);
drop function core.has_role(text);
drop function core.has_permission(text);
drop function core.has_feature(text);
drop function core.guard_audit_partition(regclass);
drop function core.error_info(text, text);
drop function core.ensure_context_key();
drop function core.encode_cursor(jsonb);
drop function core.detach_audit(regclass);
drop function core.decode_cursor(text, jsonb);
drop function core.create_tenant(text, text, text);
drop function core.context_mac(bytea, text, text, integer, timestamptz);
drop function core.constraint_message(text);
drop function core.client_ip();
drop function core.clear_context();
drop function core.check_membership_change(uuid, uuid, text, text, text, text);
drop function core.check_audit(regclass, regclass, text, text[], text[]);
drop function core.check_access(uuid, uuid);
drop function core.change_subscription(uuid, text, text);
drop function core.caller_role();
drop function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]);
drop function core.audit_search(text, text, uuid, timestamptz, timestamptz, integer, text, text);
drop function core.audit_seal_hash(core.audit_seals);
drop function core.audit_run_hash(core.audit_seal_runs);
drop function core.audit_restore_sql(regclass, text, uuid, jsonb, boolean, boolean);
drop function core.audit_restore(text, text, bigint);
drop function core.audit_partitions(integer);
drop function core.audit_keep();
drop function core.audit_is_current(regclass, text[]);
drop function core.audit_head();
drop function core.audit_entry_hash(core.audit_log);
drop view core.audited_tables;
drop function core.audit_entity_type(regclass);
drop function core.audit_entity_sql(name[], text, text);
drop function core.audit_diff_sql(regclass, name[], text[], text[]);
drop function core.audit_diff(jsonb, jsonb, text[], text[]);
drop function core.audit_comparison(regclass, name);
drop function core.audit_columns(regclass);
drop function core.audit_attachment(regclass);
drop function core.attach_touch(regclass);
drop function core.attach_tenant_guard(regclass, text);
drop function core.attach_soft_delete(regclass, text, text);
drop function core.attach_audit(regclass, regclass, text, text[], text[]);
drop function core.assert_settings();
drop function core.accept_membership(uuid);
drop table core.tenant_sequences;
drop table core.subscriptions;
drop table core.memberships;
drop table core.context_tokens;
drop table core.tenants;
drop table core.login_attempts;
drop table core.users;
drop table core.tier_features;
drop table core.subscription_tiers;
drop view core.schema_migrations;
drop table core.role_permissions;
drop table core.roles;
drop view core.rls_coverage;
drop domain core.phone_e164;
drop table core.permissions;
drop table core.features;
drop domain core.email;
drop table core.context_keys;

drop function core.current_tenant_id();
drop function core.current_user_id();
drop function core.active_tenant_id();
drop function core.set_context(uuid, uuid, text, text);

drop table core.audit_seals;
drop table core.audit_seal_runs;

drop table core.audit_log_default;
drop table core.audit_log;

drop table core.app_settings;
drop table core.allowed_origins;

drop function core.tg_audit_memberships();
drop function core.tg_audit_subscriptions();
drop function core.tg_audit_tenants();
drop function core.tg_audit_users();

alter default privileges for role app_definer grant usage on types to public;
alter default privileges for role app_definer grant execute on functions to public;
alter default privileges grant usage on types to public;
alter default privileges grant execute on functions to public;
drop schema core;
