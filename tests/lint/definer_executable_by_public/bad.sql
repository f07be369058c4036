create function app.f1() returns bigint -- finding
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
create function app.f1(p_id uuid) returns bigint -- finding
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
revoke execute on function app.f1(text) from public;
grant execute on function app.f1() to app_user;
