create function app.is_big(p_total numeric) returns boolean
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    raise notice '%', p_total;
    return p_total > 1000;
end
$$;
alter function app.is_big(numeric) not leakproof;
comment on function app.is_big(numeric) is 'not leakproof';
