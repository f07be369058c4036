-- finding: app.orders_customer_idx
-- finding: app."Weird, (name"
create schema app;
create table app.orders (id bigint primary key, customer text, total numeric, "a,b" int);
create index orders_customer_idx on app.orders (customer);
create index orders_customer_total on app.orders (customer, total);
create index "Weird, (name" on app.orders ("a,b", coalesce(total, 0));
create index orders_long on app.orders ("a,b", coalesce(total, 0), id);
