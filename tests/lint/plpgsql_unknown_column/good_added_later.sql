create function app.f1() returns text
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (select title from app.docs limit 1);
end
$$;
alter table app.docs add column title text;
