create function app.one() returns integer
    language sql immutable set search_path = pg_catalog, pg_temp
    as $$ select 1 $$;
alter function app.one() reset all;
alter function app.one() set search_path = pg_catalog;
