-- One trigger function for the four triggers of a table. Written out for its columns, because generic code has to turn every row into
-- jsonb and compare key by key; typed comparisons touch only what changed.
--   * The full join can be hashed or merged, never nested: a plan kept from a one-row update is as good for ten thousand rows. It also
--     says what became of rows whose key changed: one entity ended, another began.
--   * core.audit_is_current is answered while planning, and again when the table changes: with a column added later whole rows are
--     compared as jsonb until core.attach_audit runs again.
--   * Compiling such a plan takes longer than running it: no JIT.

create or replace function core.audit_trigger_sql(
    p_table regclass, p_function text, p_target regclass, p_tenant_column text, p_redacted text[], p_ignored text[]
) returns text
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_key      name[];
    v_is_known text := format('core.audit_is_current(%L::regclass, %L::text[])', p_table, core.audit_columns(p_table));
    v_diff     record;
    v_redact   text := coalesce((select format(' || %L::jsonb', jsonb_object_agg(r.name, '[redacted]')) from unnest(p_redacted) as r (name) having count(*) > 0), '');
    v_insert   text;
    v_missing  text;
    v_joined   text;
begin
    select array_agg(a.attname order by array_position(i.indkey::smallint[], a.attnum))
      into v_key
      from pg_index as i
      join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
     where i.indrelid = p_table
       and i.indisprimary;

    v_diff := core.audit_diff_sql(p_table, v_key, p_redacted, p_ignored);
    select string_agg(format('n.%1$I = o.%1$I', k.name), ' and ' order by k.position),
           format('%%s.%I is null', v_key[1])
      into v_joined, v_missing
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
declare
    v_none    constant jsonb := '{}';
    v_user    uuid;
    v_request text := left(nullif(current_setting('app.request_id', true), ''), 200);
begin
    if nullif(current_setting('app.user_id', true), '') is not null then
        v_user := core.current_user_id();
    end if;

    if tg_op = 'INSERT' then
        %2$s
        select %3$s, v_user, 'insert', %5$L, %6$s, null, to_jsonb(n)%8$s, null%9$s
          from new_rows as n;
    elsif tg_op = 'UPDATE' then
        %2$s
        select case when %11$s then %4$s else %3$s end,
               v_user,
               case when %11$s then 'delete' when %10$s then 'insert' else 'update' end,
               %5$L,
               case when %11$s then %7$s else %6$s end,
               case when %10$s then null
                    when %11$s then to_jsonb(o)%8$s
                    when %12$s then %13$s
                    else core.audit_diff(to_jsonb(o), to_jsonb(n), %17$L::text[], %18$L::text[]) end,
               case when %11$s then null
                    when %10$s then to_jsonb(n)%8$s
                    when %12$s then %14$s
                    else core.audit_diff(to_jsonb(n), to_jsonb(o), %17$L::text[], %18$L::text[]) end,
               case when %10$s or %11$s then null
                    when %12$s then %15$s
                    else array(select jsonb_object_keys(core.audit_diff(to_jsonb(n), to_jsonb(o), %17$L::text[], '{}'))) end%9$s
          from old_rows as o
          full join new_rows as n on %19$s
         where %10$s
            or %11$s
            or case when %12$s then %16$s
                    else core.audit_diff(to_jsonb(n), to_jsonb(o), %17$L::text[], '{}') <> v_none end;
    elsif tg_op = 'DELETE' then
        %2$s
        select %4$s, v_user, 'delete', %5$L, %7$s, to_jsonb(o)%8$s, null, null%9$s
          from old_rows as o;
    else
        %2$s
        select %4$s, v_user, 'truncate', %5$L, %7$s, to_jsonb(o)%8$s, null, null%9$s
          from %20$s as o
         where o.tableoid = tg_relid%21$s;
    end if;
    return null;
end
$audit$ $sql$,
        p_function,
        v_insert,
        coalesce('n.' || quote_ident(p_tenant_column), 'null::uuid'),
        coalesce('o.' || quote_ident(p_tenant_column), 'null::uuid'),
        core.audit_entity_type(p_table),
        core.audit_entity_sql(v_key, p_tenant_column, 'n'),
        core.audit_entity_sql(v_key, p_tenant_column, 'o'),
        v_redact,
        case when v_insert like '%, request_id)' then ', v_request' end,
        format(v_missing, 'o'),
        format(v_missing, 'n'),
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
            and c.relkind = 'p'));
end
$fn$;

revoke execute on function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]) from public;

comment on function core.audit_trigger_sql(regclass, text, regclass, text, text[], text[]) is
    'The statement that creates the audit trigger function of a table, for core.attach_audit. Internal. Errors: none.';
