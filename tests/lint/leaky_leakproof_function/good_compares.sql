create function app.is_new(state text) returns boolean
    language sql immutable leakproof set search_path = pg_catalog, pg_temp
    as $$ select state = 'new' or state is null $$;
