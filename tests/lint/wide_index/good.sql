-- migrate:up transaction:false
create index concurrently orders_total_idx on app.orders (tenant_id, total, id) include (account_id);
create unique index concurrently orders_all_key on app.orders (tenant_id, total, account_id, id);
