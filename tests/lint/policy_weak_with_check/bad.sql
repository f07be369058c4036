create policy members_update on app.accounts as restrictive for update to app_user -- finding
    using (tenant_id = (select app.current_tenant()))
    with check (true);
