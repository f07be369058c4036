-- +goose NO TRANSACTION
-- +goose Up
create index concurrently orders_total_idx on app.orders (tenant_id, total);

-- +goose Down
drop index concurrently app.orders_total_idx;
