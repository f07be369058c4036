do $$
declare
    r record;
begin
    for r in select tablename from pg_tables where schemaname = 'app' loop
        execute 'insert into app.docs (body) select count(*) from app.' || r.tablename; -- finding
    end loop;
end
$$;
