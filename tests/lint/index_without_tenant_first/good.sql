-- migrate:up transaction:false
create index concurrently orders_total_idx on app.orders (tenant_id, total);
create index concurrently orders_big_idx on app.orders (total) where total > 1000;
create index concurrently orders_id_idx on app.orders (id);
create index concurrently lines_note_idx on app.lines (note);
create index concurrently orders_brin_idx on app.orders using brin (total);
