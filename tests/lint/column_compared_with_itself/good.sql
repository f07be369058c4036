alter table app.orders enable row level security;
alter table app.orders force row level security;
create policy members_insert on app.orders for insert to app_user
    with check (exists (select from app.accounts a where a.tenant_id = orders.tenant_id));
create view app.pairs with (security_invoker = true) as
    select o.id from app.orders o join app.accounts a on a.id = o.account_id and a.tenant_id = o.tenant_id
    where 'x = x' <> o.id::text;
create function app.orders_of(tenant_id uuid) returns setof uuid
    language sql stable set search_path = pg_catalog, pg_temp
    as 'select id from app.orders where orders.tenant_id = orders_of.tenant_id';
create function app.tg_same() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    id bigint := 1;
begin
    if id = id then
        perform from app.docs d where d.id = new.id;
    end if;
    return new;
end
$$;
