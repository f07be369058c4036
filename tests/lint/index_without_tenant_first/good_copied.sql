-- dbkit: allow index_without_tenant_first because searched by the operator only
create index orders_total_idx on app.orders (total); -- dbkit: allow index_blocks_writes because that is not the point
create table app.old_orders (like app.orders including all);
alter table app.old_orders enable row level security, force row level security;
create policy old_orders_read on app.old_orders for select to app_user
    using (tenant_id = (select app.current_tenant()));
