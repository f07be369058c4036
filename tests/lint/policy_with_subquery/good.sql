create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant()));
create policy two on app.accounts as restrictive for delete to app_user
    using (tenant_id = any (array(select app.current_tenant())));
