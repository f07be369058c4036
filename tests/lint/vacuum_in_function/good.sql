create procedure app.tidy()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- vacuum app.docs;
    delete from app.docs where body = 'vacuum';
    analyze app.docs;
end
$$;
