-- migrate:up transaction:false
alter table app.docs add column region text; -- finding
drop index concurrently if exists app.orders_account_id_idx;
