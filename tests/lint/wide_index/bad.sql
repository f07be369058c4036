-- migrate:up transaction:false
create index concurrently orders_wide_idx on app.orders (total, tenant_id, account_id, id); -- finding
