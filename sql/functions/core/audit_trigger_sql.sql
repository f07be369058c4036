-- One trigger function for the four triggers of a table. Written out for its columns, because generic code has to turn every row into
-- jsonb and compare key by key; typed comparisons touch only what changed.
--   * The full join can be hashed or merged, never nested: a plan kept from a one-row update is as good for ten thousand rows. It also
--     says what became of rows whose key changed: one entity ended, another began.
--   * Most updates change one row, and preparing that join for one costs several times what comparing it does: one row is compared step
--     by step, unless its key changed. The types are asked for because a step keeps those it has met.
--   * core.audit_is_current is answered while planning, and again when the table changes: with a column added later whole rows are
--     compared as jsonb until core.attach_audit runs again.
--   * OFFSET 0 keeps the inner query apart, so that what it compares is compared once a row and not wherever it is used.
--   * No query in an expression: with one, PostgreSQL walks through all of a kept plan's text for tables to lock, at every use.
--   * Compiling such a plan takes longer than running it: no JIT.
--   * A column may be named like an alias, a variable or a word of the language: rows are n.* and o.*, a bare name is the variable, and
--     core.audit_name quotes.

create or replace function core.audit_trigger_sql(
    p_table regclass, p_function text, p_target regclass, p_tenant_column text, p_redacted text[], p_ignored text[]
) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key      name[] := core.primary_key(p_table);
    v_is_known text := format('core.audit_is_current(%L::regclass, %L::text[])', p_table, core.audit_columns(p_table));
    v_is_same  text := format(
        'core.audit_is_current(%L::regclass, %L::text[], %L::text[])', p_table, core.audit_columns(p_table), core.audit_types(p_table));
    v_diff     record;
    v_old      record := core.audit_row_sql(p_table, 'o', p_redacted);
    v_new      record := core.audit_row_sql(p_table, 'n', p_redacted);
    v_insert   text;
    v_joined   text;
begin
    v_diff := core.audit_diff_sql(p_table, v_key, p_redacted, p_ignored);
    select string_agg(format('n.%1$s = o.%1$s', core.audit_name(k.name)), ' and ' order by k.position)
      into v_joined
      from unnest(v_key) with ordinality as k (name, position);

    -- every log has these columns, ours the request as well; a log without tenant_id has its module's own name for it
    select format(
               'insert into %s (%I, user_id, action, entity_type, entity_id, old_values, new_values, changed_columns%s)',
               p_target,
               coalesce(min(a.attname) filter (where a.attname = 'tenant_id'), p_tenant_column),
               case when bool_or(a.attname = 'request_id') then ', request_id' end)
      into v_insert
      from pg_attribute as a
     where a.attrelid = p_target
       and not a.attisdropped;

    return format(
        $sql$
create or replace function %1$s() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
    set jit = off
as $audit$
#variable_conflict use_variable
declare
    v_user    constant uuid := case when current_setting('app.user_id', true) <> '' then core.current_user_id() end;
    v_request constant text := left(nullif(current_setting('app.request_id', true), ''), 200);
begin
    if tg_op = 'INSERT' then
        %2$s
        select %3$s, v_user, 'insert', %5$L, %6$s, null, %22$s, null%8$s
          from new_rows as n
         cross join lateral (select %9$s) as n_row;
    elsif tg_op = 'UPDATE' then
        declare
            o         record;
            n         record;
            v_before  jsonb := '{}';
            v_after   jsonb := '{}';
            v_changed text[] := '{}';
        begin
            perform from new_rows offset 1;
            if not found and %26$s then
                select * into o from old_rows;
                select * into n from new_rows;
                if not found or %19$s then%27$s
                    if v_changed <> '{}' then
                        %2$s
                        values (%3$s, v_user, 'update', %5$L, %6$s, v_before, v_after, v_changed%8$s);
                    end if;
                    return null;
                end if;
            end if;
        end;
        %2$s
        select d.tenant_id,
               v_user,
               d.action,
               %5$L,
               d.entity_id,
               case when d.action = 'update' then coalesce(d.old_diff, %13$s) else d.old_row end,
               case when d.action = 'update' then coalesce(d.new_diff, %14$s) else d.new_row end,
               case when d.action <> 'update' then null
                    when %12$s then %15$s
                    else core.audit_keys(d.new_diff) end%8$s
          from (
            select case when %11$s then %4$s else %3$s end as tenant_id,
                   case when %11$s then 'delete' when %10$s then 'insert' else 'update' end as action,
                   case when %11$s then %7$s else %6$s end as entity_id,
                   case when %11$s then %24$s end as old_row,
                   case when %10$s then %22$s end as new_row,
                   case when not %12$s then core.audit_diff(to_jsonb(o.*), to_jsonb(n.*), %17$L::text[], %18$L::text[]) end as old_diff,
                   case when not %12$s then core.audit_diff(to_jsonb(n.*), to_jsonb(o.*), %17$L::text[], %18$L::text[]) end as new_diff%25$s
              from old_rows as o
              full join new_rows as n on %19$s
             cross join lateral (select %23$s) as o_row
             cross join lateral (select %9$s) as n_row
            offset 0
          ) as d
         where d.action <> 'update'
            or case when %12$s then %16$s else d.new_diff <> '{}' end;
    elsif tg_op = 'DELETE' then
        %2$s
        select %4$s, v_user, 'delete', %5$L, %7$s, %24$s, null, null%8$s
          from old_rows as o
         cross join lateral (select %23$s) as o_row;
    else
        %2$s
        select %4$s, v_user, 'truncate', %5$L, %7$s, %24$s, null, null%8$s
          from %20$s as o
         cross join lateral (select %23$s) as o_row
         where o.tableoid = tg_relid%21$s;
    end if;
    return null;
end
$audit$ $sql$,
        p_function,
        v_insert,
        coalesce('n.' || core.audit_name(p_tenant_column), 'null::uuid'),
        coalesce('o.' || core.audit_name(p_tenant_column), 'null::uuid'),
        core.audit_entity_type(p_table),
        core.audit_entity_sql(v_key, p_tenant_column, 'n'),
        core.audit_entity_sql(v_key, p_tenant_column, 'o'),
        case when v_insert like '%, request_id)' then ', v_request' end,
        v_new.fields,
        format('o.%I is null', v_key[1]),
        format('n.%I is null', v_key[1]),
        v_is_known,
        v_diff.old_values,
        v_diff.new_values,
        v_diff.changed_columns,
        v_diff.is_changed,
        p_ignored,
        p_redacted,
        v_joined,
        p_table,
        -- partitions made later have no triggers of their own: their rows are the parent's to keep
        (select format(
                    E'\n            or tg_relid = %L::regclass\n               and not exists (\n                select from pg_trigger as t where t.tgrelid = o.tableoid and t.tgname = ''_900_audit_truncate'')',
                    p_table)
           from pg_class as c
          where c.oid = p_table
            and c.relkind = 'p'),
        v_new.as_json,
        v_old.fields,
        v_old.as_json,
        v_diff.fields,
        v_is_same,
        v_diff.steps);
end
$fn$;

revoke execute on function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]) from public;

comment on function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]) is
    'The statement that creates the audit trigger function of a table, for core.attach_audit. Internal. Errors: none.';
