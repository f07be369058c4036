-- migrate:up transaction:false
alter table app.docs add column if not exists region text;
drop index concurrently if exists app.orders_account_id_idx;
