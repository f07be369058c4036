create procedure app.import_docs()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into app.docs (id, body) values (1, 'when others then null;');
    -- when others then null;
exception
    when unique_violation then
        null;
    when others then
        raise warning 'not imported: %', sqlerrm;
end
$$;
