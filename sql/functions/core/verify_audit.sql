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
