create or replace function core.audit_entity_sql(p_key name[], p_tenant_column text, p_alias text) returns text
    language sql immutable parallel safe
begin atomic
    select case when count(*) = 1 then min(format('%I.%s::text', p_alias, core.audit_name(k.name)))
                else format('jsonb_build_array(%s)::text', string_agg(format('%I.%s', p_alias, core.audit_name(k.name)), ', ' order by k.position)) end
      from unnest(p_key) with ordinality as k (name, position)
     where k.name is distinct from p_tenant_column
        or cardinality(p_key) = 1;
end;

revoke execute on function core.audit_entity_sql(name[], text, text) from public;

comment on function core.audit_entity_sql(name[], text, text) is
    'SQL of the entity_id of a row: its key without the tenant column, unless that is the whole key. Internal. Errors: none.';
