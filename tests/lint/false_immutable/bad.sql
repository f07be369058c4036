create function app.is_past(p_at timestamptz) returns boolean
    language sql immutable -- finding
    return p_at < now();
create function app.total(p_id uuid) returns numeric
    language plpgsql immutable set search_path = pg_catalog, pg_temp -- finding
as $$
declare
    v_total numeric;
begin
    select o.total into v_total from app.orders o where o.id = p_id;
    return v_total;
end
$$;
create function app.is_mine(p_tenant uuid) returns boolean
    language sql immutable set search_path = pg_catalog, pg_temp -- finding
    as 'select p_tenant = app.current_tenant()';
create function app.today() returns date
    language sql immutable -- finding
    return current_date;
