create function app.is_past(p_at timestamptz) returns boolean
    language sql stable
    return p_at < now();
create function app.twice(p_total numeric) returns numeric
    language sql immutable
    return p_total * 2;
create function app.sum_of(p_numbers integer[]) returns bigint
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    v_sum bigint;
begin
    -- select now() from app.orders
    with numbers as (select unnest(p_numbers) as n)
    select sum(n) into v_sum from numbers;
    return app.twice(v_sum);
end
$$;
