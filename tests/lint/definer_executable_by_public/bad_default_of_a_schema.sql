-- takes nothing away: EXECUTE for PUBLIC is the built-in default
alter default privileges in schema app revoke execute on functions from public;
create function app.f1() returns bigint -- finding
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
