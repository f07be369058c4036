drop policy members_all on app.accounts;
create policy base on app.accounts for all to app_user using (true);
create policy fence on app.accounts as restrictive for all to app_user, app_reader
    using (tenant_id = (select app.current_tenant()));
