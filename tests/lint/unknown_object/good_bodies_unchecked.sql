set local check_function_bodies = off;
create function app.invoices() returns bigint
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select count(*) from app.invoice;
$$;
