-- migrate:up transaction:false
drop index concurrently app.orders_account_id_idx;
