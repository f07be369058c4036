alter table app.orders enable row level security;
alter table app.orders force row level security;
create policy members_all on app.orders for all to app_user
    using (tenant_id = (select app.current_tenant())) with check (tenant_id = (select app.current_tenant()));
create policy members_narrow on app.orders as restrictive for delete to app_user using (total is null);
