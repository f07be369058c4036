create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id::uuid = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy two on app.accounts as restrictive for delete to app_user
    using (id::text <> 'x' and tenant_id in (select t.id from app.tenants t where t.id::text <> 'y'));
