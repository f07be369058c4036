create function app.f1() returns bigint -- finding
    language sql stable security definer
    as 'select count(*) from app.orders';
create procedure app.p1(p_id uuid) -- finding
    language plpgsql security definer
as $$
begin
    delete from app.orders where id = p_id;
end
$$;
create function app.f2() returns bigint
    language sql stable set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
alter function app.f2() security definer reset search_path; -- finding
