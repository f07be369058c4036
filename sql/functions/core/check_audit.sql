-- Everything that would make the trigger of a table fail later, or miss rows in silence.

create or replace function core.check_audit(
    p_table regclass, p_target regclass, p_tenant_column text, p_redact text[], p_ignore text[]
) returns void
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key    text[] := coalesce(core.primary_key(p_table), '{}');
    v_column text;
begin
    if cardinality(v_key) = 0 then
        perform core.raise_error('PT422', 'invalid', format('%s has no primary key to know its rows by.', p_table));
    end if;
    -- partitions get triggers of their own; a table that inherits has a key and columns of its own, and TRUNCATE takes its rows along
    if exists (select from pg_inherits as i join pg_class as c on c.oid = i.inhparent and c.relkind = 'r' where i.inhparent = p_table) then
        perform core.raise_error('PT422', 'invalid', format('Tables inherit from %s: not all that happens to its rows would be recorded.', p_table));
    end if;
    -- an update compares in one query, which has three fields for each column and may have 1664
    if cardinality(core.audit_columns(p_table)) > 500 then
        perform core.raise_error('PT422', 'invalid', format('%s has more than 500 columns.', p_table));
    end if;
    foreach v_column in array array_remove(p_redact || p_ignore || p_tenant_column, null) loop
        if v_column <> all (core.audit_columns(p_table)) then
            perform core.raise_error('PT422', 'invalid', format('%s has no column %I.', p_table, v_column),
                                     jsonb_build_object('column', v_column)::text);
        end if;
        if v_column = any (v_key) and v_column is distinct from p_tenant_column or v_column = any (p_redact) and v_column = p_tenant_column then
            perform core.raise_error('PT422', 'invalid', format('%I says whose row of %s it was: it can be neither redacted nor ignored.', v_column, p_table),
                                     jsonb_build_object('column', v_column)::text);
        end if;
    end loop;

    if not (core.audit_columns(p_target) @> array['user_id', 'action', 'entity_type', 'entity_id', 'old_values', 'new_values', 'changed_columns']
            and core.audit_columns(p_target) && array['tenant_id', p_tenant_column]
            and has_table_privilege('app_definer', p_target, 'insert')) then
        perform core.raise_error('PT422', 'invalid', format('%s is no audit log that app_definer can write.', p_target));
    end if;
    -- a TRUNCATE hands its rows to nobody: app_definer reads them
    if not has_table_privilege('app_definer', p_table, 'select')
       or exists (
            select
              from pg_class as c
             where c.oid = p_table
               and c.relrowsecurity
               and not exists (
                select
                  from pg_policy as p
                 where p.polrelid = c.oid
                   and p.polpermissive
                   and p.polcmd in ('*', 'r')
                   and pg_get_expr(p.polqual, p.polrelid) = 'true'
                   and (p.polroles = '{0}' or 'app_definer'::regrole = any (p.polroles)))) then
        perform core.raise_error('PT422', 'invalid', format('app_definer cannot read every row of %s.', p_table));
    end if;
end
$fn$;

revoke execute on function core.check_audit(regclass, regclass, text, text[], text[]) from public;

comment on function core.check_audit(regclass, regclass, text, text[], text[]) is
    'Stop unless a table can be audited as asked, for core.attach_audit. Internal. Errors: PT422.';
