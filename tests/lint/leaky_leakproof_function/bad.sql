create function app.is_big(p_total numeric) returns boolean
    language plpgsql immutable leakproof set search_path = pg_catalog, pg_temp -- finding
as $$
begin
    raise notice '%', p_total;
    return p_total > 1000;
end
$$;
create function app.share(p_part numeric, p_all numeric) returns numeric
    language sql immutable leakproof -- finding
    return p_part / p_all;
alter function pg_catalog.textlike(text, text) leakproof; -- finding
