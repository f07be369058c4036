drop policy members_all on app.accounts;
create policy members_insert on app.accounts for insert to app_user
    with check (tenant_id = (select app.current_tenant()));
create policy members_read on app.accounts for select to app_user
    using (tenant_id = (select app.current_tenant()));
create policy members_delete on app.accounts for delete to app_user
    using (tenant_id = (select app.current_tenant()));
-- PostgreSQL checks new rows with USING where WITH CHECK is absent
create policy members_update on app.accounts for update to app_user
    using (tenant_id = (select app.current_tenant()));
