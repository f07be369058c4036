-- finding: app.orders_customer_twin
-- finding: app.orders_id_twin
create schema app;
create table app.orders (id bigint constraint orders_pkey primary key, customer text, total numeric);
create unique index orders_id_twin on app.orders (id);
create index orders_customer_idx on app.orders (customer text_pattern_ops desc) include (total) where total > 0;
create index orders_customer_twin on app.orders using btree (customer text_pattern_ops desc) include (total) where total > 0;
