drop index if exists app.orders_account_id_idx; -- finding
