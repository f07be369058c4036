create policy owners on app.accounts for select to app_reader using (tenant_id = (select app.current_tenant()));
alter policy owners on app.accounts to app_reader, app_user; -- finding
