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
