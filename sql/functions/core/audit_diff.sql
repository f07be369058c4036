-- The way of a generated audit trigger whose table has got columns it does not know: slower than typed comparisons, and complete.

create or replace function core.audit_diff(p_values jsonb, p_other jsonb, p_ignored text[], p_redacted text[]) returns jsonb
    language sql immutable parallel safe
begin atomic
    select coalesce(
               jsonb_object_agg(v.key, case when v.key = any (p_redacted) then '"[redacted]"' else v.value end),
               '{}')
      from jsonb_each(p_values) as v
     where p_other -> v.key is distinct from v.value
       and v.key <> all (p_ignored);
end;

revoke execute on function core.audit_diff(jsonb, jsonb, text[], text[]) from public;
grant execute on function core.audit_diff(jsonb, jsonb, text[], text[]) to app_definer;

comment on function core.audit_diff(jsonb, jsonb, text[], text[]) is
    'The keys of one object whose values differ in the other, but for ignored ones; redacted values as "[redacted]". Internal. Errors: none.';
