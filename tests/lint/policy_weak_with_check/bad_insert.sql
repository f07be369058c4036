drop policy members_all on app.accounts;
create policy members_insert on app.accounts for insert to app_user with check (true); -- finding
create policy members_update on app.accounts for update to app_user -- finding
    using (tenant_id = (select app.current_tenant()))
    with check (email <> '');
