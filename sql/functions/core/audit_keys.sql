create or replace function core.audit_keys(p_values jsonb) returns text[]
    language sql immutable parallel safe
begin atomic
    select array(select jsonb_object_keys(p_values));
end;

revoke execute on function core.audit_keys(jsonb) from public;
grant execute on function core.audit_keys(jsonb) to app_definer;

comment on function core.audit_keys(jsonb) is 'The keys of an object, for the generated audit triggers. Internal. Errors: none.';
