-- file: 20250101000000_one.sql
create function app.f1() returns text
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (select note from app.lines limit 1); -- finding
end
$$;
-- file: 20250102000000_two.sql
-- dbkit: destructive: nothing reads it any more
alter table app.lines drop column note;
