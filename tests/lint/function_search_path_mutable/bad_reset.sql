create function app.one() returns integer -- finding
    language sql immutable set search_path = pg_catalog, pg_temp
    as $$ select 1 $$;
alter function app.one() reset search_path; -- finding
