-- Run it daily. Owned by app_owner and not by app_definer: only who owns the log can give it partitions. A month is made beside the log and
-- then attached, which stops nobody from writing; a lock that is not to be had is left to the next run.

create or replace function core.audit_partitions(p_ahead integer default 3)
    returns table (partition_name text, action text)
    language plpgsql volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
    set lock_timeout = '5s'
as $fn$
declare
    v_this_month constant timestamptz := date_trunc('month', clock_timestamp());
    v_keep       constant interval := core.audit_keep();
    v_months     timestamptz[];
    v_strays     timestamptz[];
    v_month      timestamptz;
    v_name       name;
begin
    if p_ahead is null or p_ahead not between 0 and 120 then
        perform core.raise_error('PT400', 'bad_request', 'Months ahead are a number from 0 to 120.', '{"ahead": "0..120"}');
    end if;
    perform pg_advisory_xact_lock(hashtextextended('core.audit_partitions', 0));

    v_months := array(select generate_series(v_this_month, v_this_month + make_interval(months => p_ahead), '1 month'));
    v_strays := array(
        select distinct date_trunc('month', l.created_at)
          from core.audit_log_default as l
         where l.created_at < v_this_month + make_interval(months => p_ahead + 1));
    if cardinality(v_strays) > 0 then
        perform core.set_audit_strays_aside();
        partition_name := 'core.audit_log_default';
        action := 'emptied';
        return next;
    end if;

    for v_month in select distinct m.month from unnest(v_strays || v_months) as m (month) order by 1 loop
        v_name := 'audit_log_' || to_char(v_month, 'YYYY_MM');
        continue when exists (select from pg_class as c where c.relnamespace = 'core'::regnamespace and c.relname = v_name);
        execute format('create table core.%I (like core.audit_log including defaults including constraints)', v_name);
        execute format('comment on table core.%I is %L', v_name, format('Entries of %s, in UTC.', to_char(v_month, 'YYYY-MM')));
        execute format('alter table core.audit_log attach partition core.%I for values from (%L) to (%L)',
                       v_name, v_month, v_month + interval '1 month');
        perform core.guard_audit_partition(format('core.%I', v_name)::regclass);
        partition_name := format('core.%I', v_name);
        action := 'created';
        return next;
    end loop;
    if cardinality(v_strays) > 0 then
        insert into core.audit_log (
            id, tenant_id, user_id, action, entity_type, entity_id, old_values, new_values, changed_columns, request_id, db_role,
            transaction_id, created_at)
        overriding system value
        select s.id, s.tenant_id, s.user_id, s.action, s.entity_type, s.entity_id, s.old_values, s.new_values, s.changed_columns,
               s.request_id, s.db_role, s.transaction_id, s.created_at
          from core.audit_log_strays as s;
        drop table core.audit_log_strays;
    end if;

    for v_name in
        select c.relname
          from pg_inherits as i
          join pg_class as c on c.oid = i.inhrelid
         where i.inhparent = 'core.audit_log'::regclass
           and c.relname ~ '^audit_log_\d{4}_\d{2}$'
           and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= clock_timestamp() - v_keep
         order by c.relname
    loop
        execute format('drop table core.%I', v_name);
        partition_name := format('core.%I', v_name);
        action := 'dropped';
        return next;
    end loop;
end
$fn$;

revoke execute on function core.audit_partitions(integer) from public;
grant execute on function core.audit_partitions(integer) to app_definer;

comment on function core.audit_partitions(integer) is
    'Make the monthly partitions of the audit log from now to p_ahead months on, move entries that had none into theirs, and drop months '
    'that ended longer ago than audit.keep. Returns what it did. Idempotent. Errors: PT400, 55P03 the log is locked: run it again.';
