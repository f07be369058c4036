create or replace function core.detach_audit(p_table regclass) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_part     regclass;
    v_event    text;
    v_function regprocedure := (
        select t.tgfoid
          from pg_trigger as t
         where t.tgrelid = p_table
           and t.tgname = '_900_audit_update'
           and not t.tgisinternal);
begin
    for v_part in select t.relid from pg_partition_tree(p_table) as t union select p_table loop
        foreach v_event in array array['insert', 'update', 'delete', 'truncate'] loop
            execute format('drop trigger if exists %I on %s', '_900_audit_' || v_event, v_part);
        end loop;
    end loop;
    if v_function is not null then
        execute format('drop function %s', v_function);
    end if;
end
$fn$;

revoke execute on function core.detach_audit(regclass) from public;

comment on function core.detach_audit(regclass) is
    'Stop recording the changes of a table: the way back of core.attach_audit, for the owner of the table. What was recorded stays. '
    'Idempotent. Errors: 42501 not the owner.';
