-- migrate:up transaction:false
reindex table concurrently app.orders;
reindex (concurrently) index app.orders_account_id_idx;
