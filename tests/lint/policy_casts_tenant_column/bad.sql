create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id::text = (select current_setting('app.tenant_id', true))); -- finding
create policy two on app.elsewhere for select to app_user
    using (cast(tenant_id as text) = (select current_setting('app.tenant_id', true))); -- finding
