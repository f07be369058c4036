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
