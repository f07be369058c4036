-- Part by part, so that nothing has to be written as one text: as JSON a string may take six
-- times its room and a number ten thousand times, and a text has at most 1 GB.

create or replace function core.audit_value_hash(p_value jsonb) returns bytea
    language plpgsql immutable parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_hash bytea := sha256(convert_to(jsonb_typeof(p_value), 'UTF8'));
    v_item record;
begin
    case jsonb_typeof(p_value)
        when 'object' then
            for v_item in select e.key, e.value from jsonb_each(p_value) as e loop
                v_hash := sha256(v_hash || sha256(convert_to(v_item.key, 'UTF8')) || core.audit_value_hash(v_item.value));
            end loop;
        when 'array' then
            for v_item in select e.value from jsonb_array_elements(p_value) as e loop
                v_hash := sha256(v_hash || core.audit_value_hash(v_item.value));
            end loop;
        when 'number' then
            v_hash := sha256(v_hash || numeric_send(p_value::numeric));
        else
            v_hash := sha256(v_hash || sha256(convert_to(coalesce(p_value #>> '{}', ''), 'UTF8')));
    end case;
    return v_hash;
end
$fn$;

revoke execute on function core.audit_value_hash(jsonb) from public;
grant execute on function core.audit_value_hash(jsonb) to app_definer;

comment on function core.audit_value_hash(jsonb) is
    'SHA-256 over a document of any size, key by key. Internal. Errors: none.';
