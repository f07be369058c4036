create procedure app.count_again()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    analyze app.docs; -- finding
end
$$;
