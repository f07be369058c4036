create or replace function ap.search(p_filter text, p_sort text default 'label') returns setof ap.assets
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query execute format(
        'select * from ap.assets where label ilike %L and tid = %L order by %I',
        '%' || p_filter || '%', nullif(current_setting('ap.tid', true), ''), p_sort);
end
$$;
