create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id::text = current_setting('app.tenant_id', true) or current_setting('app.tenant_id', true) = ''); -- finding
create policy two on app.accounts as restrictive for delete to app_user
    using (case when current_setting('app.tenant_id', true) is null then true else false end); -- finding
