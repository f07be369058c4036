create or replace function core.audit_entity_type(p_table regclass) returns text
    language sql stable parallel safe
begin atomic
    select format('%s.%s', n.nspname, c.relname)
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
     where c.oid = p_table;
end;

revoke execute on function core.audit_entity_type(regclass) from public;
grant execute on function core.audit_entity_type(regclass) to app_user, app_readonly, app_monitor, app_definer;

comment on function core.audit_entity_type(regclass) is 'schema.table, as core.audit_log names a kind of entity. Internal. Errors: none.';
