-- migrate:up
alter table app.orders add constraint orders_total_positive check (total >= 0) not valid;
alter table app.orders validate constraint orders_total_positive; -- finding
