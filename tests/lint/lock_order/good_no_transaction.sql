-- migrate:up transaction:false
alter table app.orders add column region text;
alter table app.accounts add column region text;
