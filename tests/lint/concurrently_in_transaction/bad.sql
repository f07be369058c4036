-- migrate:up
create index concurrently orders_total_idx on app.orders (tenant_id, total); -- finding
reindex table concurrently app.orders; -- finding
vacuum app.orders; -- finding
alter table app.events detach partition app.events_2020 concurrently; -- finding
alter system set work_mem = '64MB'; -- finding

-- migrate:down
drop index concurrently app.orders_total_idx; -- finding
