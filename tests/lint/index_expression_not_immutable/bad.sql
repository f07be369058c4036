-- migrate:up transaction:false
create index concurrently lines_due_idx on app.lines (id) where at <= now(); -- finding
create index concurrently lines_day_idx on app.lines ((at::date)); -- finding
create index concurrently lines_month_idx on app.lines (date_trunc('month', at)); -- finding
create index concurrently lines_utc_idx on app.lines (date_trunc('month', at, 'UTC')); -- finding
create index concurrently lines_mine_idx on app.lines (id) where note = current_user; -- finding
create index concurrently orders_mine_idx on app.orders (tenant_id, (id = app.current_tenant())); -- finding
