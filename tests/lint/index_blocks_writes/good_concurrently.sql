-- migrate:up transaction:false
create index concurrently orders_total_idx on app.orders (tenant_id, total);

-- migrate:down transaction:false
drop index concurrently app.orders_total_idx;
