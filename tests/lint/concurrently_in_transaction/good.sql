-- migrate:up transaction:false
create index concurrently orders_total_idx on app.orders (tenant_id, total);
analyze app.orders;
vacuum app.orders;

-- migrate:down transaction:false
drop index concurrently app.orders_total_idx;
