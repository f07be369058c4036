reindex index app.orders_account_id_idx; -- finding
reindex (verbose) table app.orders; -- finding
