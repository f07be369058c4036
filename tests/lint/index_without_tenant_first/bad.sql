-- migrate:up transaction:false
create index concurrently orders_total_idx on app.orders (total); -- finding
create index concurrently orders_total_tenant_idx on "app"."orders" (total, tenant_id); -- finding
