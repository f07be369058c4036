create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id = app.current_tenant()); -- finding
create policy two on app.accounts as restrictive for update to app_user
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) -- finding
    with check (tenant_id = (select app.current_tenant()));
