create policy one on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant()) and app.may_read(id)); -- finding
