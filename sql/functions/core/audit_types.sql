create or replace function core.audit_types(p_table regclass) returns text[]
    language sql stable parallel safe
    set search_path = pg_catalog, pg_temp
begin atomic
    select array(
        select format_type(a.atttypid, a.atttypmod)
          from pg_attribute as a
         where a.attrelid = p_table
           and a.attnum > 0
           and not a.attisdropped
         order by a.attname::text collate "C");
end;

revoke execute on function core.audit_types(regclass) from public;
grant execute on function core.audit_types(regclass) to app_monitor, app_definer;

comment on function core.audit_types(regclass) is
    'The types of the columns of a table, in the order of core.audit_columns. Internal. Errors: none.';
