-- Column by column, because a reference to the row itself is formed and carried through the join of an update for every row, though only
-- rows whose key changed need it. jsonb keeps the shortest key first: columns that come so need no sorting.

create or replace function core.audit_row_sql(
    p_table regclass, p_alias text, p_redacted text[], out fields text, out as_json text
) returns record
    language sql stable parallel safe
begin atomic
    select string_agg(
               case when c.name = any (p_redacted) then format('text ''[redacted]'' as %I', c.name)
                    else format('%s.%I', p_alias, c.name) end,
               ', ' order by octet_length(c.name), c.name collate "C"),
           format('case when core.audit_is_current(%L::regclass, %L::text[]) then to_jsonb(%3$s_row.*) else to_jsonb(%3$s.*)%s end',
                  p_table, core.audit_columns(p_table), p_alias,
                  ' || ' || quote_literal(jsonb_object_agg(c.name, '[redacted]') filter (where c.name = any (p_redacted))) || '::jsonb')
      from unnest(core.audit_columns(p_table)) as c (name);
end;

revoke execute on function core.audit_row_sql(regclass, text, text[]) from public;

comment on function core.audit_row_sql(regclass, text, text[]) is
    'SQL for core.audit_trigger_sql: a whole row, redacted, as core.audit_log keeps it, and the fields of the <alias>_row it is made of. '
    'Internal. Errors: none.';
