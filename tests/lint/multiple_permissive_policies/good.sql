create policy narrow on app.accounts as restrictive for select to app_user using (email is not null);
create policy system_all on app.accounts for all to app_owner using (true) with check (true);

-- one policy a command
drop policy members_all on app.accounts;
create policy members_select on app.accounts for select to app_user using (tenant_id = (select app.current_tenant()));
create policy members_delete on app.accounts for delete to app_user using (tenant_id = (select app.current_tenant()));
