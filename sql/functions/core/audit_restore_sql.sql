-- The values travel as one jsonb and get their types from the table.

create or replace function core.audit_restore_sql(
    p_table regclass, p_entity_id text, p_tenant_id uuid, p_values jsonb, p_is boolean, p_was boolean,
    out statement text, out parameters jsonb, out skipped text[]
) returns record
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_rule    record := core.audit_attachment(p_table);
    v_keys    text[] := core.primary_key(p_table);
    v_entity  text[] := array_remove(v_keys, v_rule.tenant_column);
    v_key     jsonb := '{}';
    v_columns text[];
    v_source  text := format('jsonb_populate_record(null::%s, $1) as r', p_table);
    v_joined  text := (select string_agg(format('t.%1$I = r.%1$I', k.name), ' and ') from unnest(v_keys) as k (name));
begin
    if cardinality(v_entity) = 0 then
        v_key := jsonb_build_object(v_keys[1], p_entity_id);
    else
        if v_rule.tenant_column = any (v_keys) then
            v_key := jsonb_build_object(v_rule.tenant_column, p_tenant_id);
        end if;
        select v_key || jsonb_object_agg(k.name, case when cardinality(v_entity) = 1 then to_jsonb(p_entity_id)
                                                      else p_entity_id::jsonb -> (k.position - 1)::integer end)
          into v_key
          from unnest(v_entity) with ordinality as k (name, position);
    end if;
    -- bookkeeping keeps itself; a row that comes back brings its own
    v_columns := array(
        select a.attname::text
          from pg_attribute as a
         where a.attrelid = p_table
           and a.attnum > 0
           and not a.attisdropped
           and a.attgenerated = ''
           and p_values ? a.attname
           and a.attname <> all (v_rule.redacted)
           and (not p_is or a.attname <> all (v_rule.ignored || v_keys))
         order by a.attnum);
    skipped := array(
        select v.key
          from jsonb_object_keys(p_values) as v (key)
         where v.key = any (v_rule.redacted)
            or v.key <> all (core.audit_columns(p_table))
         order by v.key);
    parameters := v_key || coalesce((select jsonb_object_agg(c.name, p_values -> c.name) from unnest(v_columns) as c (name)), '{}');

    if not p_was then
        statement := format('delete from %s as t using %s where %s', p_table, v_source, v_joined);
    elsif p_is then
        if cardinality(v_columns) > 0 then
            statement := format('update %s as t set %s from %s where %s', p_table,
                                (select string_agg(format('%1$I = r.%1$I', c.name), ', ') from unnest(v_columns) as c (name)), v_source, v_joined);
        end if;
    else
        statement := (select format('insert into %s (%s) overriding system value select %s from %s', p_table,
                                    string_agg(format('%I', c.name), ', '), string_agg(format('r.%I', c.name), ', '), v_source)
                        from unnest(v_columns) as c (name));
    end if;
end
$fn$;

revoke execute on function core.audit_restore_sql(regclass, text, uuid, jsonb, boolean, boolean) from public;
grant execute on function core.audit_restore_sql(regclass, text, uuid, jsonb, boolean, boolean) to app_user, app_definer;

comment on function core.audit_restore_sql(regclass, text, uuid, jsonb, boolean, boolean) is
    'The statement of core.audit_restore: p_values are what the row had, p_is and p_was tell whether it exists now and existed then. '
    'statement is null when only what is skipped differs. Internal. Errors: none.';
