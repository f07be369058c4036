create role stock_owner nologin;
create role stock_app login;
create schema stock authorization stock_owner;
grant usage on schema stock to stock_app;
set role stock_owner;
create table stock.warehouses (
    id integer primary key,
    name text not null
);
create table stock.items (
    warehouse_id integer not null references stock.warehouses,
    sku text not null,
    pieces integer not null default 0 check (pieces >= 0),
    primary key (warehouse_id, sku)
);
create view stock.my_items with (security_barrier = true) as
    select warehouse_id, sku, pieces from stock.items
     where warehouse_id = nullif(current_setting('stock.warehouse', true), '')::integer;
create view stock.my_warehouse with (security_barrier = true) as
    select id, name from stock.warehouses where id = nullif(current_setting('stock.warehouse', true), '')::integer;
grant select on stock.my_warehouse to stock_app;
grant select, insert, update, delete on stock.my_items to stock_app;
insert into stock.warehouses values (1, 'Acme'), (2, 'Globex');
insert into stock.items values (1, 'X', 5), (2, 'OWN', 6);
