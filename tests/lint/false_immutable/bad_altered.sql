create function app.today() returns text
    language sql stable set search_path = pg_catalog, pg_temp
    as $$ select to_char(now(), 'YYYY-MM-DD') $$;
alter function app.today() immutable; -- finding
