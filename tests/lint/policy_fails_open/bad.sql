create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant()) or (select app.current_tenant()) is null); -- finding
create policy two on app.accounts as restrictive for delete to app_user
    using (tenant_id = (select coalesce(app.current_tenant(), tenant_id))); -- finding
create policy three on app.accounts as restrictive for update to app_user
    using ((tenant_id = (select app.current_tenant())) is not false) -- finding
    with check (tenant_id = (select app.current_tenant()));
alter policy members_all on app.accounts
    using (coalesce(tenant_id = (select app.current_tenant()), true)); -- finding
