create or replace function parts.search(p_word text) returns setof parts.offers
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query execute 'select * from parts.offers where dealer_id = parts.dealer() and label ilike $1'
        using '%' || p_word || '%';
end $$;
