-- The arguments of a generated trigger say what core.attach_audit was asked for, in its own order, and the columns it found.

create or replace function core.audit_attachment(
    p_table regclass, out target text, out tenant_column text, out redacted text[], out ignored text[], out columns text[]
) returns setof record
    language sql stable parallel safe
begin atomic
    with argument as (
        select convert_from(decode(given.text, 'escape'), 'UTF8') as value, given.position
          from pg_trigger as t
         cross join string_to_table(encode(t.tgargs, 'escape'), '\000') with ordinality as given (text, position)
         where t.tgrelid = p_table
           and t.tgname = '_900_audit_update'
           and not t.tgisinternal
    )
    select (select a.value from argument as a where a.position = 1),
           (select nullif(a.value, '') from argument as a where a.position = 2),
           (select a.value::text[] from argument as a where a.position = 3),
           (select a.value::text[] from argument as a where a.position = 4),
           (select a.value::text[] from argument as a where a.position = 5)
     where exists (select from argument);
end;

revoke execute on function core.audit_attachment(regclass) from public;
grant execute on function core.audit_attachment(regclass) to app_user, app_readonly, app_monitor, app_definer;

comment on function core.audit_attachment(regclass) is
    'How a table is audited: the log, its tenant column, the columns redacted and ignored, the columns its trigger knows. No row when it '
    'is not. Errors: none.';
