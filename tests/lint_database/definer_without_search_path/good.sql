create schema app;
create function app.close(id bigint) returns void language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$ begin end $fn$;
revoke execute on function app.close from public;
create function app.open(id bigint) returns void language plpgsql set search_path = pg_catalog, pg_temp
    as $fn$ begin end $fn$;
