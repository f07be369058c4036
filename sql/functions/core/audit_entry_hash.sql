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
