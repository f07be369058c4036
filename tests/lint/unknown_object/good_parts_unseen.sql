-- What EXECUTE makes has names nobody spells.
create function app.touch() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return new;
end
$$;
create function app.watch(p_table text) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('create trigger %I before update on app.%I for each row execute function app.touch()',
                   p_table || '_watch', p_table);
end
$$;
select app.watch('docs');
drop trigger docs_watch on app.docs;
