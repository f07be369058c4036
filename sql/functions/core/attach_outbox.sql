-- Payloads hold the columns app_user may read at the time of attaching: call it again when one is added or granted.
-- Guard sheets write the triggers out.

create or replace function core.attach_outbox(
    p_table regclass, p_channel text, p_events text[] default '{INSERT,UPDATE,DELETE}'
) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant  name := core.tenant_column(p_table);
    v_key     text[];
    v_columns text[];
    v_event   text;
begin
    if p_channel is null or p_channel !~ '^[a-z][a-z0-9_:-]{0,62}$'
       or not coalesce(p_events <@ '{INSERT,UPDATE,DELETE}' and cardinality(p_events) > 0, false) then
        perform core.raise_error('PT422', 'invalid', 'An outbox needs a channel in lower case and some of INSERT, UPDATE, DELETE.');
    elsif v_tenant is null then
        perform core.raise_error('PT422', 'invalid', 'The table does not say which column its tenant is in: call core.attach_tenant_guard first.');
    end if;

    v_key := nullif(array_remove(core.primary_key(p_table), v_tenant::text), '{}');
    if v_key is null then
        perform core.raise_error('PT422', 'invalid', 'The table has no primary key beyond its tenant column to name a row by.');
    end if;
    select coalesce(array_agg(a.attname order by a.attnum), '{}')
      into v_columns
      from pg_attribute as a
     where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and has_column_privilege('app_user', p_table, a.attnum, 'select');

    foreach v_event in array '{INSERT,UPDATE,DELETE}'::text[] loop
        if v_event = any (p_events) then
            execute format(
                $sql$ create or replace trigger %I after %s on %s referencing %s for each statement execute function core.tg_outbox(%L, %L, %L, %L) $sql$,
                '_600_outbox_' || lower(v_event), v_event, p_table,
                case v_event when 'DELETE' then 'old table as changed_rows' else 'new table as changed_rows' end,
                p_channel, v_tenant, v_key, v_columns);
        else
            execute format($sql$ drop trigger if exists %I on %s $sql$, '_600_outbox_' || lower(v_event), p_table);
        end if;
    end loop;
end
$fn$;

revoke execute on function core.attach_outbox(regclass, text, text[]) from public;

comment on function core.attach_outbox(regclass, text, text[]) is
    'Tell a channel about every row a table gains, changes or loses; for the owner of the table. Idempotent: events that are not named '
    'any more are detached. Errors: 42501 not the owner, PT422 malformed channel or event, no tenant guard, or no key.';
