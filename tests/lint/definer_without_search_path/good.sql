create function app.f1() returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
revoke execute on function app.f1() from public;
-- set afterwards, and made invoker afterwards
create function app.f2(p_id uuid) returns bigint
    language sql stable security definer
    as 'select count(*) from app.orders';
alter function app.f2 set search_path = '';
revoke execute on function app.f2 from public;
create function app.f3() returns bigint
    language sql stable security definer
    as 'select count(*) from app.orders';
alter function app.f3() security invoker;
-- bound when it is created
create function app.f4() returns bigint
    language sql stable security definer
    return (select count(*) from app.orders);
revoke all on function app.f4() from public;
