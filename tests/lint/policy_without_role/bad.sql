create policy members_read on app.accounts for select -- finding
    using (tenant_id = (select app.current_tenant()));
create policy members_fence on app.accounts as restrictive for select -- finding
    using (tenant_id = (select app.current_tenant()));
create policy everybody_read on app.accounts for select to public -- finding
    using (tenant_id = (select app.current_tenant()));
alter policy members_all on app.accounts to app_user, public; -- finding
