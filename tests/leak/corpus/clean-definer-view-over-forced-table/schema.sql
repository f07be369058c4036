create role catalog_owner nologin;
create role catalog_app login;
create schema shopcat authorization catalog_owner;
grant usage on schema shopcat to catalog_app;
set role catalog_owner;
create table shopcat.shops (
    id integer primary key,
    name text not null
);
create table shopcat.products (
    shop_id integer not null references shopcat.shops,
    sku text not null,
    cost numeric not null,
    price numeric not null,
    primary key (shop_id, sku),
    check (price >= cost)
);
alter table shopcat.shops enable row level security, force row level security;
alter table shopcat.products enable row level security, force row level security;
create policy own on shopcat.shops using (id = nullif(current_setting('shopcat.shop', true), '')::integer);
create policy own on shopcat.products using (shop_id = nullif(current_setting('shopcat.shop', true), '')::integer);
-- hides the cost; the app has no right on the table itself
create view shopcat.price_list with (security_barrier = true) as select shop_id, sku, price from shopcat.products;
grant select on shopcat.shops, shopcat.price_list to catalog_app;
reset role;
insert into shopcat.shops values (1, 'Acme'), (2, 'Globex');
insert into shopcat.products values (1, 'SECRET', 1, 2), (2, 'own', 3, 4);
