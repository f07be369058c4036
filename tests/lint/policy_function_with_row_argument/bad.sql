create policy one on app.accounts as restrictive for select to app_user
    using (app.is_member(tenant_id)); -- finding
create policy two on app.accounts as restrictive for update to app_user
    using ((select app.is_member(tenant_id))) -- finding
    with check (tenant_id = (select app.current_tenant()));
