-- One note a statement and tenant. Static SQL, so the plan is made once a session and table: the tenant column is read by name from the row
-- as jsonb.
-- Attach as core.attach_cache_invalidation does, with the tag and the column that names the room: the tenant column, or the user's.

create or replace function core.tg_cache_invalidate() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    if tg_op = 'INSERT' then
        insert into core.cache_invalidations (tenant_id, tag)
        select distinct (to_jsonb(changed) ->> tg_argv[1])::uuid, tg_argv[0]
          from new_rows as changed
         where to_jsonb(changed) ->> tg_argv[1] is not null
        on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();
    elsif tg_op = 'DELETE' then
        insert into core.cache_invalidations (tenant_id, tag)
        select distinct (to_jsonb(changed) ->> tg_argv[1])::uuid, tg_argv[0]
          from old_rows as changed
         where to_jsonb(changed) ->> tg_argv[1] is not null
        on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();
    elsif tg_op = 'UPDATE' then
        insert into core.cache_invalidations (tenant_id, tag)
        select distinct changed.room, tg_argv[0]
          from (select (to_jsonb(before) ->> tg_argv[1])::uuid as room from old_rows as before
                 union
                select (to_jsonb(after) ->> tg_argv[1])::uuid from new_rows as after) as changed
         where changed.room is not null
        on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();
    else
        -- TRUNCATE does not say whose rows they were
        insert into core.cache_invalidations (tenant_id, tag)
        select distinct e.tenant_id, tg_argv[0]
          from core.cache_entries as e
        on conflict (tenant_id, tag, xid, prefix) do update set noted_at = clock_timestamp();
    end if;
    return null;
end
$fn$;

alter function core.tg_cache_invalidate() owner to app_definer;
revoke execute on function core.tg_cache_invalidate() from public;

comment on function core.tg_cache_invalidate() is
    'Trigger AFTER each statement, with transition tables old_rows and new_rows: entries with the tag, of the rooms the rows name, are stale '
    'from the commit on. Arguments: tag, column of the room. Errors: none.';
