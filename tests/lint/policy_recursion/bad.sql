create policy colleagues on app.accounts as restrictive for select to app_user -- finding
    using (tenant_id in (select a.tenant_id from app.accounts a));
create policy newcomers on app.accounts as restrictive for insert to app_user -- finding
    with check (not exists (select from app.accounts a where a.email = accounts.email));
