-- Columns go in groups of four: the usual update changes one, and the other groups are passed over by one test each.

create or replace function core.audit_diff_sql(
    p_table regclass, p_key name[], p_redacted text[], p_ignored text[],
    out old_values text, out new_values text, out changed_columns text, out is_changed text
) returns record
    language sql stable
begin atomic
    with compared as (
        select c.name,
               core.audit_comparison(p_table, c.name::name) as test,
               c.name = any (p_redacted) as is_redacted,
               (row_number() over (order by c.name collate "C") - 1) / 4 as group_no
          from unnest(core.audit_columns(p_table)) as c (name)
         where c.name <> all (p_key::text[])
           and c.name <> all (p_ignored)
    ), written as (
        select c.group_no,
               c.name,
               c.test,
               case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                    else format('jsonb_build_object(%L, o.%I)', c.name, c.name) end as old_pair,
               case when c.is_redacted then format('%L::jsonb', jsonb_build_object(c.name, '[redacted]'))
                    else format('jsonb_build_object(%L, n.%I)', c.name, c.name) end as new_pair
          from compared as c
    ), grouped as (
        select w.group_no,
               string_agg(w.test, ' or ' order by w.name collate "C") as test,
               string_agg(format('case when %s then %s else v_none end', w.test, w.old_pair), ' || ' order by w.name collate "C") as old_pairs,
               string_agg(format('case when %s then %s else v_none end', w.test, w.new_pair), ' || ' order by w.name collate "C") as new_pairs,
               string_agg(format('case when %s then %L end', w.test, w.name), ', ' order by w.name collate "C") as names
          from written as w
         group by w.group_no
    )
    select coalesce(string_agg(format('case when %s then %s else v_none end', g.test, g.old_pairs), ' || ' order by g.group_no), 'v_none'),
           coalesce(string_agg(format('case when %s then %s else v_none end', g.test, g.new_pairs), ' || ' order by g.group_no), 'v_none'),
           format('array_remove(array[%s]::text[], null)', string_agg(g.names, ', ' order by g.group_no)),
           coalesce(string_agg(g.test, ' or ' order by g.group_no), 'false')
      from grouped as g;
end;

revoke execute on function core.audit_diff_sql(regclass, name[], text[], text[]) from public;

comment on function core.audit_diff_sql(regclass, name[], text[], text[]) is
    'SQL over the row aliases o and n, for core.audit_trigger_sql: the changed columns before and after, their names, and whether there '
    'are any. Internal. Errors: none.';
