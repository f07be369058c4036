create function app.wipe() returns void
    language sql set search_path = pg_catalog, pg_temp
begin atomic
    select 1;
    delete from app.docs; -- finding
end;
