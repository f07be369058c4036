create schema app;
create table app.orders (id bigint primary key, customer text, total numeric);
create index orders_id_total on app.orders (id, total);
create unique index orders_customer_key on app.orders (customer);
create index orders_customer_total on app.orders (customer, total);
create index orders_total_open on app.orders (total) where total > 0;
create index orders_total_customer on app.orders (total, customer);
create index orders_lower on app.orders (lower(customer) desc);
create index orders_lower_id on app.orders (lower(customer), id);
