-- One entry that cannot be hashed would keep all that follow it unsealed. What decides is the size of the value itself, however the row
-- stores it: a dump that is restored has to have the same hashes. STABLE as pg_column_size() is, or it would not be inlined.

create or replace function core.audit_image(p_values jsonb) returns text
    language sql stable parallel safe
return case
    when pg_column_size(p_values || '{}') <= 8000 then p_values::text
    -- deeper than functions call themselves: no digest that withstands an expert, but one that is always there
    when jsonb_path_exists(p_values, 'strict $.**{100}')
        then 'hash ' || jsonb_hash_extended(p_values, 1)::text || ' ' || jsonb_hash_extended(p_values, 2)::text
    else 'sha256 ' || encode(core.audit_value_hash(p_values), 'hex')
end;

revoke execute on function core.audit_image(jsonb) from public;
grant execute on function core.audit_image(jsonb) to app_definer;

comment on function core.audit_image(jsonb) is
    'The values of an audit entry as core.audit_entry_hash writes them: themselves, of more than 8 kB their hash. Internal. Errors: none.';
