-- The promise that nothing cached is stale rests on triggers, so a table without them is a finding, not a setting.

create or replace function core.cache_unguarded() returns table (policy text, source_table text)
    language sql stable
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    select p.name, source.name
      from core.cache_policies as p
     cross join unnest(p.source_tables) as source (name)
      join pg_class as c
        on c.oid = to_regclass(source.name)
     -- a materialized view has no triggers: the policy's time has to be as short as its refresh
     where c.relkind in ('r', 'p')
       and 4 > (
           select count(*)
             from pg_trigger as t
            where t.tgrelid = c.oid
              and t.tgfoid = 'core.tg_cache_invalidate()'::regprocedure
              and t.tgenabled in ('O', 'A')
              and split_part(encode(t.tgargs, 'escape'), '\000', 1) = p.tag)
     order by p.name, source.name;
end;

alter function core.cache_unguarded() owner to app_definer;
revoke execute on function core.cache_unguarded() from public;
grant execute on function core.cache_unguarded() to app_monitor, app_platform_admin;

comment on function core.cache_unguarded() is
    'Source tables of cache policies that exist and do not invalidate their policy''s tag on every write: until they do, entries may be stale '
    'for their time. Empty is well. Reads only. Errors: none.';
