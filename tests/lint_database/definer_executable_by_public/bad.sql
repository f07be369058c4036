-- finding: app.close(bigint)
create schema app;
create function app.close(id bigint) returns void language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$ begin end $fn$;
