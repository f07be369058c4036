alter default privileges for role app_owner revoke execute on functions from public;
create function app.f1() returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
