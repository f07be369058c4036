-- Entries cannot be deleted from the default partition, so the whole partition goes aside and a new one takes its place and its names.

create or replace function core.set_audit_strays_aside() returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_comment text := obj_description('core.audit_log_default'::regclass, 'pg_class');
    v_index   name;
begin
    alter table core.audit_log detach partition core.audit_log_default;
    alter table core.audit_log_default rename to audit_log_strays;
    for v_index in
        select c.relname
          from pg_index as i
          join pg_class as c on c.oid = i.indexrelid
         where i.indrelid = 'core.audit_log_strays'::regclass
    loop
        execute format('alter index core.%I rename to %I', v_index, left('strays_' || v_index, 63));
    end loop;
    create table core.audit_log_default partition of core.audit_log default;
    execute format('comment on table core.audit_log_default is %L', v_comment);
    perform core.guard_audit_partition('core.audit_log_default');
end
$fn$;

revoke execute on function core.set_audit_strays_aside() from public;

comment on function core.set_audit_strays_aside() is
    'Exchange the default partition of the audit log for an empty one; its entries stay in core.audit_log_strays, which the caller '
    'empties into the log and drops. For core.audit_partitions. Internal. Not idempotent. Errors: 55P03.';
