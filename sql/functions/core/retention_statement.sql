-- One statement finds, deletes and archives a batch, by one cut-off: there is no moment at which a row is in neither table or in both,
-- and no clock that could come between. Rows somebody else has locked wait for the next run, so two runs share the work. A row is
-- named by its table and its place: in a partitioned table the place alone is not unique.

create or replace function core.retention_statement(p_policy core.retention_policies) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_table   regclass := to_regclass(p_policy.table_name);
    v_archive regclass := to_regclass(p_policy.archive_table);
    v_doomed  text := format(
        $sql$ with doomed as materialized (
                  select t.tableoid, t.ctid
                    from %1$s as t
                   where t.%2$I < $1 and (%3$s)
                   order by t.%2$I
                   limit $2
                     for update skip locked
              ), gone as (
                  delete from %1$s as t using doomed as d
                   where t.tableoid = d.tableoid and t.ctid = d.ctid and t.%2$I < $1 $sql$,
        v_table, p_policy.time_column, coalesce(p_policy.predicate, 'true'));
    v_missing text;
    v_columns text;
begin
    if p_policy.mode = 'delete' then
        return v_doomed || 'returning 1) select count(*), count(*) from gone';
    end if;

    if v_archive is null or v_archive = v_table then
        perform core.raise_error('PT422', 'invalid', 'The archive of the table does not exist.',
                                 jsonb_build_object('archive_table', p_policy.archive_table)::text);
    elsif exists (select from pg_class as c, pg_class as a
                   where c.oid = v_table and a.oid = v_archive
                     and (c.relrowsecurity, c.relforcerowsecurity) > (a.relrowsecurity, a.relforcerowsecurity)) then
        perform core.raise_error('PT422', 'invalid', 'The archive has less row security than the table: rows would become visible there.',
                                 jsonb_build_object('archive_table', p_policy.archive_table)::text);
    end if;

    -- Columns by name: an archive may order them otherwise and have more, but a column it lacks would be lost.
    select string_agg(t.attname, ', ' order by t.attnum) filter (where a.attnum is null),
           string_agg(quote_ident(t.attname), ', ' order by t.attnum) filter (where a.attgenerated = '')
      into v_missing, v_columns
      from pg_attribute as t
      left join pg_attribute as a on a.attrelid = v_archive and a.attname = t.attname and not a.attisdropped
     where t.attrelid = v_table and t.attnum > 0 and not t.attisdropped;
    if v_missing is not null then
        perform core.raise_error('PT422', 'invalid', 'The archive lacks columns of the table.', jsonb_build_object('columns', v_missing)::text);
    end if;
    return v_doomed || format(
        $sql$     returning t.*
              ), kept as (
                  insert into %1$s (%2$s) overriding system value
                  select %2$s from gone
                  returning 1
              )
              select (select count(*) from gone), (select count(*) from kept) $sql$,
        v_archive, v_columns);
end
$fn$;

revoke execute on function core.retention_statement(core.retention_policies) from public;
grant execute on function core.retention_statement(core.retention_policies) to app_definer;

comment on function core.retention_statement(core.retention_policies) is
    'The statement that deletes or archives one batch: $1 the cut-off, $2 the number of rows; it answers how many went and how many '
    'arrived. Internal. Errors: PT422 no archive, or one that would lose columns or row security.';
