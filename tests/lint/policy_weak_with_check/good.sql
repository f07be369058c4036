drop policy members_all on app.accounts;
create policy members_update on app.accounts for update to app_user
    using (tenant_id = (select app.current_tenant()))
    with check (tenant_id = (select app.current_tenant()) and email <> '');
create policy members_insert on app.accounts for insert to app_user
    with check (app.may_insert(id));
-- narrows what another policy allows
create policy with_email on app.accounts as restrictive for update to app_user
    using (tenant_id = (select app.current_tenant()))
    with check (email <> '');
create policy system_all on app.accounts for insert to app_owner with check (true);
