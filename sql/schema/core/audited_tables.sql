-- core.audited_tables: what core.attach_audit was told, read from its triggers, and whether they still see everything.

create view core.audited_tables with (security_invoker = true) as
select core.audit_entity_type(c.oid) as entity_type,
       attachment.target,
       attachment.tenant_column,
       attachment.redacted,
       attachment.ignored,
       core.audit_columns(c.oid) = attachment.columns
       and not (c.relkind = 'r' and c.relhassubclass and exists (select from pg_catalog.pg_inherits as i where i.inhparent = c.oid))
       and (
        select bool_and(
                   4 = (
                    select count(*)
                      from pg_catalog.pg_trigger as t
                     where t.tgrelid = part.relid
                       and t.tgname in ('_900_audit_insert', '_900_audit_update', '_900_audit_delete', '_900_audit_truncate')
                       and t.tgenabled in ('O', 'A')))
          from (
            select tree.relid from pg_catalog.pg_partition_tree(c.oid) as tree
             union
            select c.oid::pg_catalog.regclass
          ) as part) as is_complete
  from pg_catalog.pg_class as c
 cross join lateral core.audit_attachment(c.oid) as attachment
 where c.relkind in ('r', 'p')
   and not c.relispartition;

comment on view core.audited_tables is 'The audited tables: where their changes go, and what is left out.';
comment on column core.audited_tables.is_complete is
    'False when columns came or went since core.attach_audit ran, when a partition has no triggers, when a table inherits from it, or when a trigger is missing or '
    'disabled: run core.attach_audit again.';

grant select on core.audited_tables to app_monitor, app_definer;
