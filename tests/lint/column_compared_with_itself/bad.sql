create policy members_insert on app.orders for insert to app_user
    with check (exists (select from app.accounts a where a.tenant_id = tenant_id)); -- finding
create policy nothing on app.accounts as restrictive for select to app_user
    using (tenant_id = tenant_id); -- finding
create view app.pairs with (security_invoker = true) as
    select o.id from app.orders o join app.accounts a on a.id = o.account_id and o.tenant_id = o.tenant_id; -- finding
