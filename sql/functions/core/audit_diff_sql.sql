-- For many rows: each column is compared once, in the inner query, which hands on the answer as d1 and the values as o1 and n1. Columns
-- go in groups of four: the usual update changes one, and the other groups are passed over by one test each.
-- For one row: a statement for each column, whose expressions are prepared only for columns that changed.

create or replace function core.audit_diff_sql(
    p_table regclass, p_key name[], p_redacted text[], p_ignored text[],
    out fields text, out old_values text, out new_values text, out changed_columns text, out is_changed text, out steps text
) returns record
    language sql stable
begin atomic
    with compared as (
        select c.name,
               core.audit_comparison(p_table, c.name::name) as comparison,
               c.name = any (p_redacted) as is_redacted,
               row_number() over (order by c.name collate "C") as number
          from unnest(core.audit_columns(p_table)) as c (name)
         where c.name <> all (p_key::text[])
           and c.name <> all (p_ignored)
    ), written as (
        select c.number,
               (c.number - 1) / 4 as group_no,
               format(', %s as d%s', c.comparison, c.number)
               || case when c.is_redacted then '' else format(', o.%1$I as o%2$s, n.%1$I as n%2$s', c.name, c.number) end as fields,
               format('d.d%s', c.number) as test,
               case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                    else format('jsonb_build_object(%L, d.o%s)', c.name, c.number) end as old_pair,
               case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                    else format('jsonb_build_object(%L, d.n%s)', c.name, c.number) end as new_pair,
               format('case when d.d%s then %L end', c.number, c.name) as name,
               format(
                   E'\n                    if %1$s then\n'
                   '                        v_before := v_before || %2$s;\n'
                   '                        v_after := v_after || %3$s;\n'
                   '                        v_changed := v_changed || text %4$L;\n'
                   '                    end if;',
                   c.comparison,
                   case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                        else format('jsonb_build_object(%L, o.%s)', c.name, core.audit_name(c.name)) end,
                   case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                        else format('jsonb_build_object(%L, n.%s)', c.name, core.audit_name(c.name)) end,
                   c.name) as step
          from compared as c
    ), grouped as (
        select w.group_no,
               string_agg(w.fields, '' order by w.number) as fields,
               string_agg(w.test, ' or ' order by w.number) as test,
               string_agg(format('case when %s then %s else ''{}''::jsonb end', w.test, w.old_pair), ' || ' order by w.number) as old_pairs,
               string_agg(format('case when %s then %s else ''{}''::jsonb end', w.test, w.new_pair), ' || ' order by w.number) as new_pairs,
               string_agg(w.name, ', ' order by w.number) as names,
               string_agg(w.step, '' order by w.number) as steps
          from written as w
         group by w.group_no
    )
    select coalesce(string_agg(g.fields, '' order by g.group_no), ''),
           coalesce(string_agg(format('case when %s then %s else ''{}''::jsonb end', g.test, g.old_pairs), ' || ' order by g.group_no), '''{}''::jsonb'),
           coalesce(string_agg(format('case when %s then %s else ''{}''::jsonb end', g.test, g.new_pairs), ' || ' order by g.group_no), '''{}''::jsonb'),
           format('array_remove(array[%s]::text[], null)', string_agg(g.names, ', ' order by g.group_no)),
           coalesce(string_agg(g.test, ' or ' order by g.group_no), 'false'),
           coalesce(string_agg(g.steps, '' order by g.group_no), '')
      from grouped as g;
end;

revoke execute on function core.audit_diff_sql(regclass, name[], text[], text[]) from public;

comment on function core.audit_diff_sql(regclass, name[], text[], text[]) is
    'SQL for core.audit_trigger_sql: the fields an inner query makes of the row aliases o and n, and, over its alias d, the changed '
    'columns before and after, their names, and whether there are any; and the steps that compare one row, the records o and n. Internal. '
    'Errors: none.';
