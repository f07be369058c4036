create function app.invoices() returns bigint
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (select count(*) from app.invoice);
end
$$;
create function app.documents() returns bigint
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select count(*) from app.docs;
end;
