-- For tables outside this tree; guard sheets write the triggers out.

create or replace function core.attach_cache_invalidation(p_table regclass, p_tag text, p_room_column name default null) returns void
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_column name := coalesce(p_room_column, core.tenant_column(p_table));
    v_event  record;
begin
    if v_column is null or p_tag is null then
        perform core.raise_error(
            'PT422', 'invalid', 'A tag, and a column that says whose entries a row makes stale, are needed.',
            '{"room_column": "is not known; attach the tenant guard first, or name it"}');
    end if;
    for v_event in
        select *
          from (values
            ('insert',   'referencing new table as new_rows'),
            ('update',   'referencing old table as old_rows new table as new_rows'),
            ('delete',   'referencing old table as old_rows'),
            ('truncate', '')
          ) as event (name, tables)
    loop
        execute format(
            $sql$ create or replace trigger _700_cache_invalidate_%s
                      after %s on %s
                      %s
                      for each statement execute function core.tg_cache_invalidate(%L, %L) $sql$,
            v_event.name, v_event.name, p_table, v_event.tables, p_tag, v_column);
    end loop;
end
$fn$;

revoke execute on function core.attach_cache_invalidation(regclass, text, name) from public;

comment on function core.attach_cache_invalidation(regclass, text, name) is
    'Make every write of a table invalidate the cache entries with a tag, of the tenants (or, by p_room_column, the persons) its rows name; '
    'for the owner of the table. Idempotent. Errors: PT422 no tag or no column, 42501 not the owner.';
