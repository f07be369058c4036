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
