create or replace function shop.recent_searches() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select s.query from shop.searches s where s.subject = 'store/' || shop.store() order by s.at desc limit 10
$$;
