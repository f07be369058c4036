-- migrate:up transaction:false
create procedure app.rebuild()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    reindex index concurrently app.docs_pkey; -- finding
end
$$;
