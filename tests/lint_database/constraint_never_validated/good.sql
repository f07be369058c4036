create schema app;
create table app.orders (id bigint primary key, total numeric);
alter table app.orders add constraint total_positive check (total > 0) not valid;
alter table app.orders validate constraint total_positive;
