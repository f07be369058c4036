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
    constraint phone_e164_valid check (value ~ '^\+?[1-9]\d{1,14}$');

comment on domain core.phone_e164 is 'Phone number in E.164 form, the plus sign optional. core.normalize_phone strips separators.';

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

-- One table that cannot be cleaned does not keep the others from it; it is named in a warning and in the result.

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

    select array_agg(a.attname order by k.position)
      into v_key
      from pg_index as i
     cross join unnest(i.indkey::smallint[]) with ordinality as k (attnum, position)
      join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
     where i.indrelid = p_table and i.indisprimary and a.attname <> v_tenant;
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
        -- The row itself stays out: a payload has 8,000 bytes and knows no row security.
        perform pg_notify('dbkit_outbox', jsonb_build_object('id', p_id, 'tenant_id', p_tenant, 'channel', p_channel)::text);
    end if;
end
$fn$;

revoke execute on function core.notify_outbox(uuid, text, bigint) from public;
grant execute on function core.notify_outbox(uuid, text, bigint) to app_definer;

comment on function core.notify_outbox(uuid, text, bigint) is
    'Wake the listeners of dbkit_outbox at commit, unless another transaction is about to. Internal. Errors: none.';

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

-- migrate:down

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

drop policy select_all on core.permissions;
drop policy system_all on core.permissions;

drop trigger _100_tenant_immutable on core.outbox_events;
drop policy select_members on core.outbox_events;
drop policy system_all on core.outbox_events;

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

drop policy closed on core.backup_runs;
drop policy system_all on core.backup_runs;

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
drop function core.tg_outbox();
drop function core.tg_memberships_rank();
drop function core.tg_bump_version();
drop function core.start_backup(text, text);
drop function core.soft_delete_rule(regclass);
drop function core.soft_delete(regclass, uuid, integer);
drop function core.settled_event_id();
drop function core.set_context_signed(text, text, text);
drop function core.seal_holds();
drop function core.rotate_context_key(interval);
drop function core.retention_statement(core.retention_policies);
drop function core.restore(regclass, uuid);
drop function core.require_user();
drop function core.require_tenant();
drop function core.require_permission(text);
drop function core.require_feature(text);
drop function core.record_login(text, boolean, text);
drop function core.readable_columns(regclass, text);
drop function core.read_events(text, bigint, integer);
drop function core.random_context_key();
drop function core.raise_error(text, text, text, text);
drop function core.purge_outbox(interval);
drop function core.page_meta(integer, integer, bigint, integer);
drop function core.page(integer, integer, integer);
drop function core.origin_allowed(text, text);
drop function core.optimistic_update(regclass, uuid, jsonb, integer, text[]);
drop function core.notify_user(uuid, text, text, text, text, text);
drop function core.notify_outbox(uuid, text, bigint);
drop function core.normalize_phone(text);
drop function core.next_number(text, text, integer);
drop function core.my_tenants();
drop function core.my_tenant_ids();
drop function core.my_notifications(boolean, integer, text);
drop function core.may_enter(uuid, uuid);
drop function core.mark_notification_read(uuid);
drop function core.log_restore_verification(bigint, boolean, jsonb, jsonb);
drop function core.issue_token(uuid, uuid, interval);
drop function core.is_valid_email(text);
drop function core.is_owner(uuid);
drop function core.is_member(uuid);
drop function core.has_role(text);
drop function core.has_permission(text);
drop function core.has_feature(text);
drop function core.finish_backup(bigint, boolean, bigint);
drop function core.error_info(text, text);
drop function core.ensure_context_key();
drop function core.encode_cursor(jsonb);
drop function core.emit(text, text, text, text, jsonb);
drop function core.decode_cursor(text, jsonb);
drop function core.create_tenant(text, text, text);
drop function core.context_mac(bytea, text, text, integer, timestamptz);
drop function core.constraint_message(text);
drop function core.client_ip();
drop function core.clear_context();
drop function core.check_membership_change(uuid, uuid, text, text, text, text);
drop function core.check_access(uuid, uuid);
drop function core.change_subscription(uuid, text, text);
drop function core.caller_role();
drop function core.attach_touch(regclass);
drop function core.attach_tenant_guard(regclass, text);
drop function core.attach_soft_delete(regclass, text, text);
drop function core.attach_outbox(regclass, text, text[]);
drop function core.assert_settings();
drop function core.apply_retention_policies();
drop function core.apply_retention(regclass, integer, integer);
drop function core.announce_events(uuid);
drop function core.accept_membership(uuid);
drop table core.user_notifications;
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
drop table core.retention_policies;
drop table core.restore_verifications;
drop domain core.phone_e164;
drop table core.permissions;
drop table core.outbox_events;
drop table core.features;
drop domain core.email;
drop table core.context_keys;

drop function core.current_tenant_id();
drop function core.current_user_id();
drop function core.active_tenant_id();
drop function core.set_context(uuid, uuid, text, text);

drop table core.backup_runs;
drop table core.app_settings;
drop table core.allowed_origins;

alter default privileges for role app_definer grant usage on types to public;
alter default privileges for role app_definer grant execute on functions to public;
alter default privileges grant usage on types to public;
alter default privileges grant execute on functions to public;
drop schema core;
