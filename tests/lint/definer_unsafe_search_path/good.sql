create function app.f1() returns bigint
    language sql stable security definer set search_path = app, pg_temp
    as 'select count(*) from app.orders';
revoke execute on function app.f1() from public;
create function app.f2() returns bigint
    language sql stable security definer set search_path = pg_catalog
    as 'select count(*) from app.orders';
revoke execute on function app.f2() from public;
create function app.f3() returns bigint
    language sql stable security definer set search_path = ''
    as 'select count(*) from app.orders';
revoke execute on function app.f3() from public;
create function app.f4() returns bigint
    language sql stable security definer set search_path = pg_catalog, app, pg_temp
    as 'select count(*) from app.orders';
revoke execute on function app.f4() from public;
-- as its caller, with the caller's own rights
create function app.f9() returns bigint
    language sql stable set search_path = app
    as 'select count(*) from app.orders';
