-- migrate:up transaction:false
alter table app.orders add constraint orders_total_set check (total is not null) not valid;
alter table app.orders validate constraint orders_total_set;
alter table app.orders alter column total set not null;
alter table app.orders drop constraint orders_total_set;
alter table app.docs alter column id set not null;
