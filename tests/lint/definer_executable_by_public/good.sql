create function app.f1(p_from timestamptz, out total bigint) returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
revoke all on function app.f1(timestamp with time zone) from public;
create function app.f2() returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
revoke execute on all functions in schema app from public;
-- a replacement keeps the privileges
create or replace function app.f2() returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.accounts';
-- cannot be called
create function app.tg_count() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return null;
end
$$;
