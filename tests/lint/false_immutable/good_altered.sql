create function app.twice(amount numeric) returns numeric
    language sql stable set search_path = pg_catalog, pg_temp
    as $$ select amount * 2 $$;
alter function app.twice(numeric) immutable parallel safe;
