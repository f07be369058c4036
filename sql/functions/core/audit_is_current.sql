-- The generated audit triggers ask this with constants, so the planner answers it: a trigger's plan costs nothing for the question, and
-- adding or dropping a column throws the plan away, which asks again. That is what IMMUTABLE stands for here; nobody else should call it.

-- dbkit: allow false_immutable because the plan that holds the answer is dropped whenever the table changes
create or replace function core.audit_is_current(p_table regclass, p_columns text[], p_types text[] default null) returns boolean
    language plpgsql immutable
    set search_path = pg_catalog, pg_temp
as $fn$
begin
    return p_columns = core.audit_columns(p_table) and coalesce(p_types = core.audit_types(p_table), true);
end
$fn$;

revoke execute on function core.audit_is_current(regclass, text[], text[]) from public;
grant execute on function core.audit_is_current(regclass, text[], text[]) to app_definer, app_monitor;

comment on function core.audit_is_current(regclass, text[], text[]) is
    'Whether a table still has exactly these columns (sorted by name), those its audit trigger was generated for, and of these types unless '
    'null. Internal. Errors: none.';
