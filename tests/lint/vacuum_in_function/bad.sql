create procedure app.tidy()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from app.docs where id < 10;
    vacuum app.docs; -- finding
    execute 'vacuum analyze app.pages'; -- finding
end
$$;
