create schema app;
create table app.orders (tenant bigint, id bigint, primary key (tenant, id));
create table app.lines (id bigint primary key, tenant bigint, order_id bigint,
    foreign key (tenant, order_id) references app.orders);
create index lines_order_idx on app.lines (order_id, tenant, id);
create table app.notes (id bigint primary key, tenant bigint, order_id bigint,
    foreign key (tenant, order_id) references app.orders);
create index notes_order_idx on app.notes (tenant, order_id) where order_id is not null;
