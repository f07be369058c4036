create or replace function core.audit_columns(p_table regclass) returns text[]
    language sql stable parallel safe
begin atomic
    select array(
        select a.attname::text
          from pg_attribute as a
         where a.attrelid = p_table
           and a.attnum > 0
           and not a.attisdropped
         order by a.attname::text collate "C");
end;

revoke execute on function core.audit_columns(regclass) from public;
grant execute on function core.audit_columns(regclass) to app_user, app_readonly, app_monitor, app_definer;

comment on function core.audit_columns(regclass) is
    'The columns of a table, sorted by name: what the audit triggers compare, whatever order they were added in. Internal. Errors: none.';
