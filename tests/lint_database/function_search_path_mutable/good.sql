create schema app;
create table app.orders (id bigint primary key, total numeric);
create function app.total() returns numeric language sql set search_path = pg_catalog, pg_temp
    as 'select sum(total) from app.orders';
create function app.bound() returns numeric language sql return (select sum(total) from app.orders);
create function app.atomic() returns numeric language sql begin atomic select sum(total) from app.orders; end;
create schema extensions;
create extension hstore with schema extensions;
