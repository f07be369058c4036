-- Guard sheets call this: the trigger function it writes belongs to the table's own schema, so drift compares it and leak reads it like
-- any other, and a column added without a new call is a difference between the declared tree and the migrations.

create or replace function core.attach_audit(
    p_table regclass, p_target regclass, p_tenant_column text, p_redact text[] default '{}', p_ignore text[] default '{}'
) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_ignored  text[];
    v_function text;
    v_part     regclass;
begin
    perform core.check_audit(p_table, p_target, p_tenant_column, p_redact, p_ignore);
    -- bookkeeping is no change of its own
    v_ignored := array(
        select c.name
          from unnest(core.audit_columns(p_table)) as c (name)
         where c.name = any (p_ignore || array['updated_at', 'version'])
           and c.name <> all (p_redact)
         order by c.name collate "C");
    select format('%I.%I', n.nspname,
                  'tg_audit_' || case when octet_length(c.relname) <= 54 then c.relname
                                      when octet_length(c.relname) > length(c.relname) then md5(c.relname)
                                      else left(c.relname, 45) || '_' || left(md5(c.relname), 8) end)
      into v_function
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
     where c.oid = p_table;

    execute core.audit_trigger_sql(p_table, v_function, p_target, p_tenant_column, p_redact, v_ignored);
    execute format('alter function %s() owner to app_definer', v_function);
    execute format('revoke execute on function %s() from public', v_function);
    execute format('comment on function %s() is %L', v_function,
                   format('Audit trigger of %s, written by core.attach_audit. Errors: none of its own.', core.audit_entity_type(p_table)));

    -- A statement fires the triggers of the table it names only, so partitions need their own; no row is recorded twice.
    for v_part in select t.relid from pg_partition_tree(p_table) as t union select p_table loop
        execute format(
            $sql$
            create or replace trigger _900_audit_insert after insert on %1$s referencing new table as new_rows
                for each statement execute function %2$s(%3$s);
            create or replace trigger _900_audit_update after update on %1$s referencing old table as old_rows new table as new_rows
                for each statement execute function %2$s(%3$s);
            create or replace trigger _900_audit_delete after delete on %1$s referencing old table as old_rows
                for each statement execute function %2$s(%3$s);
            create or replace trigger _900_audit_truncate before truncate on %1$s
                for each statement execute function %2$s(%3$s);
            $sql$,
            v_part, v_function,
            format('%L, %L, %L, %L, %L', core.audit_entity_type(p_target), coalesce(p_tenant_column, ''), p_redact, v_ignored,
                   core.audit_columns(p_table)));
    end loop;
end
$fn$;

revoke execute on function core.attach_audit(regclass, regclass, text, text[], text[]) from public;

comment on function core.attach_audit(regclass, regclass, text, text[], text[]) is
    'Record every change of a table in an audit log, in the same transaction: one row per entity, with the changed columns before and '
    'after. The tenant of an entry is the value of p_tenant_column; with null the rows are no tenant''s, and none sees their history. p_redact names '
    'columns whose values never reach the log; p_ignore, beside updated_at and version, those whose change alone is not worth an entry '
    'and is not recorded. For the owner of the table. Call it again in the migration that adds, renames, retypes or drops a column: until '
    'then changes are recorded more slowly, and writes fail where a column is gone. TRUNCATE records every row, so it takes '
    'as long as DELETE. Idempotent. Errors: PT422 the table has no primary key, more than 500 columns or heirs, a column does not exist, the log is none or app_definer cannot '
    'write it or read the table; 42501 not the owner.';
