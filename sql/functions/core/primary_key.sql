-- Columns that an index only carries along (INCLUDE) name no row.

create or replace function core.primary_key(p_table regclass) returns text[]
    language sql stable parallel safe
begin atomic
    select array_agg(a.attname::text order by k.position)
      from pg_index as i
     cross join unnest(i.indkey::smallint[]) with ordinality as k (attnum, position)
      join pg_attribute as a
        on a.attrelid = i.indrelid
       and a.attnum = k.attnum
     where i.indrelid = p_table
       and i.indisprimary
       and k.position <= i.indnkeyatts;
end;

revoke execute on function core.primary_key(regclass) from public;
grant execute on function core.primary_key(regclass) to app_user, app_definer;

comment on function core.primary_key(regclass) is
    'The columns of the primary key of a table, in their order; null without one. Internal. Errors: none.';
