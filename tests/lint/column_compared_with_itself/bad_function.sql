create function app.orders_of(tenant_id uuid) returns setof uuid
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select id from app.orders
    where tenant_id = tenant_id -- finding
    union all
    select a.id from app.accounts a
    where tenant_id = a.tenant_id -- finding
$$;
update app.docs set body = '' where id = docs.id; -- finding
