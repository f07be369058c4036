create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant()) and (select app.current_tenant()) is not null);
-- about the row, not about the caller
create policy two on app.accounts as restrictive for delete to app_user
    using (tenant_id = (select app.current_tenant()) and (email is null or email <> 'x'));
create policy three on app.accounts as restrictive for update to app_user
    using (coalesce(tenant_id = (select app.current_tenant()), false))
    with check (tenant_id = (select coalesce(app.current_tenant(), '00000000-0000-0000-0000-000000000000'::uuid)));
