create policy tenant_fence on app.accounts as restrictive for select to public -- finding
    using (tenant_id = (select app.current_tenant()));
