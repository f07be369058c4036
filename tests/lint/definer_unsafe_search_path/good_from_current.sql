set local search_path = pg_catalog, pg_temp;
create function app.counted() returns bigint
    language sql stable security definer set search_path from current
    as $$ select count(*) from app.docs $$;
revoke all on function app.counted() from public;
