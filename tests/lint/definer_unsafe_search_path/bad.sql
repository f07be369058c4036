create function app.f1() returns bigint -- finding
    language sql stable security definer set search_path = app
    as 'select count(*) from app.orders';
revoke execute on function app.f1() from public;
create function app.f2() returns bigint -- finding
    language sql stable security definer set search_path = app, public
    as 'select count(*) from app.orders';
revoke execute on function app.f2() from public;
create function app.f3() returns bigint -- finding
    language sql stable security definer set search_path = pg_temp, app
    as 'select count(*) from app.orders';
revoke execute on function app.f3() from public;
create function app.f4() returns bigint -- finding
    language sql stable security definer set search_path = "$user", app, pg_temp
    as 'select count(*) from app.orders';
revoke execute on function app.f4() from public;
create function app.f5() returns bigint -- finding
    language sql stable security definer set search_path = 'app, pg_temp'
    as 'select count(*) from app.orders';
revoke execute on function app.f5() from public;
