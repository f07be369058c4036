create role shop_owner nologin;
create role shop_app login;
create schema shop authorization shop_owner;
grant usage on schema shop to shop_app;
set role shop_owner;
create table shop.stores (id bigint primary key);
create table shop.products (
    store_id bigint not null references shop.stores,
    sku text not null,
    primary key (store_id, sku)
);
create table shop.searches (
    id bigint generated always as identity primary key,
    subject text not null,
    query text not null,
    at timestamptz not null default clock_timestamp()
);
create function shop.store() returns bigint language sql stable
as $$ select nullif(current_setting('shop.store_id', true), '')::bigint $$;
alter table shop.stores enable row level security;
alter table shop.products enable row level security;
create policy s on shop.stores for select to shop_app using (id = shop.store());
create policy p on shop.products to shop_app using (store_id = shop.store());
grant select on shop.stores to shop_app;
grant select, insert, update, delete on shop.products to shop_app;
create function shop.search(p_query text) returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into shop.searches (subject, query) values ('store/' || shop.store(), p_query);
    return query select p.sku from shop.products p where p.store_id = shop.store() and p.sku like p_query || '%';
end $$;
create or replace function shop.recent_searches() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select s.query from shop.searches s order by s.at desc limit 10
$$;
insert into shop.stores values (7001), (7002);
insert into shop.products values (7001, 'SECRET-1'), (7002, 'OWN-1');
