create or replace function core.audit_seal_hash(s core.audit_seals) returns bytea
    language sql stable parallel safe
return sha256(convert_to(row(s.tenant_id, s.number, s.run, to_char(s.month, 'YYYY-MM-DD'), s.entry_ids, s.entry_hashes, encode(s.previous_chain, 'hex'))::text, 'UTF8'));

revoke execute on function core.audit_seal_hash(core.audit_seals) from public;
grant execute on function core.audit_seal_hash(core.audit_seals) to app_definer;

comment on function core.audit_seal_hash(core.audit_seals) is 'The chain value a seal must have. Internal. Errors: none.';
