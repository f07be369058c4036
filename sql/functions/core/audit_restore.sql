-- Writes the statement and leaves running it to the caller, under whose rights, policies and checks it then stands, as any change would.
-- Goes back from the newest entry, so that a table that was audited late can still be brought back to any entry it has.

create or replace function core.audit_restore(
    p_entity_type text, p_entity_id text, p_entry bigint, out statement text, out parameters jsonb, out skipped text[]
) returns setof record
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_table   regclass := (
        select c.oid
          from pg_class as c
         where core.audit_entity_type(c.oid) = p_entity_type
           and c.relkind in ('r', 'p'));
    v_rule    record;
    v_entry   record;
    v_is      boolean;
    v_was     boolean;
    v_values  jsonb := '{}';
begin
    perform core.require_permission('audit.view');
    select a.* into v_rule from core.audit_attachment(v_table) as a;
    for v_entry in
        select l.id, l.action, l.old_values, l.tenant_id
          from core.audit_log as l
         where l.tenant_id = core.active_tenant_id()
           and l.entity_type = p_entity_type
           and l.entity_id = p_entity_id
           and l.action in ('insert', 'update', 'delete', 'truncate')
           and l.id >= p_entry
         order by l.id desc
    loop
        exit when v_entry.id = p_entry;
        v_is := coalesce(v_is, v_entry.action in ('insert', 'update'));
        v_was := v_entry.action <> 'insert';
        v_values := case v_entry.action when 'insert' then '{}' when 'update' then v_values || v_entry.old_values else v_entry.old_values end;
    end loop;
    if v_rule.target is null or v_entry.id is null or p_entry <> 0 and v_entry.id <> p_entry then
        perform core.raise_error('PT404', 'not_found', 'The audit log has no such entry of this entity.');
    end if;
    if v_is or v_was then
        return query select r.* from core.audit_restore_sql(v_table, p_entity_id, v_entry.tenant_id, v_values, v_is, v_was) as r;
    end if;
end
$fn$;

revoke execute on function core.audit_restore(text, text, bigint) from public;
grant execute on function core.audit_restore(text, text, bigint) to app_user, app_definer;

comment on function core.audit_restore(text, text, bigint) is
    'The statement that brings an entity back to the state it had right after an audit entry (0: before its first one): run it with '
    'parameters as $1. No row when nothing changed since. skipped names the columns it cannot bring back: redacted ones, and those the table has '
    'no longer. Changes nothing. Errors: PT401, PT403 without audit.view, PT404 no such entry.';
