-- finding: app.orders
-- finding: app.lines
-- finding: app.positive
create schema app;
create table app.orders (id bigint primary key, total numeric);
alter table app.orders add constraint total_positive check (total > 0) not valid;
create table app.lines (id bigint primary key, order_id bigint);
create index lines_order_idx on app.lines (order_id);
alter table app.lines add constraint lines_order_fk foreign key (order_id) references app.orders not valid;
create domain app.positive as int;
alter domain app.positive add constraint is_positive check (value > 0) not valid;
