create policy members_update on app.accounts for update to app_user -- finding
    using (tenant_id = (select app.current_tenant()));
create policy members_everything on app.accounts to app_user -- finding
    using (tenant_id = (select app.current_tenant()));
