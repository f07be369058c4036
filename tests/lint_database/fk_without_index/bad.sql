-- finding: app.lines
-- finding: app.notes
create schema app;
create table app.orders (id bigint primary key);
create table app.lines (id bigint primary key, order_id bigint references app.orders);
create index lines_open on app.lines (order_id) where id > 10;
create index lines_second on app.lines (id, order_id);
create table app.notes (id bigint primary key, order_id bigint references app.orders);
insert into app.orders select 1;
insert into app.lines select n, 1 from generate_series(1, 5000) n;
analyze app.lines;
