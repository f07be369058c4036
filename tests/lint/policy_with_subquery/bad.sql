create policy one on app.orders for select to app_user
    using (account_id in (select a.id from app.accounts a)); -- finding
create policy two on app.orders for delete to app_user
    using (exists (select from app.accounts a where a.id = orders.account_id)); -- finding
