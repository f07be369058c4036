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
