create or replace function wiki.belongs(p_space bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select wiki.belongs_now(p_space)
$$;
