create index orders_total_idx on app.orders (tenant_id, total); -- finding
create unique index if not exists orders_total_key on "app"."orders" (tenant_id, id, account_id); -- finding
create index orders_more_idx on app.orders (tenant_id, id, total); -- finding
create index events_at_idx on app.events (tenant_id, at); -- finding
