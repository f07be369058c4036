create function app.invoices() returns bigint -- the body is looked up when it is created
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select count(*) from app.invoice; -- finding
$$;
create function app.lines() returns bigint
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select count(*) from app.invoice_lines; -- finding
end;
