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
