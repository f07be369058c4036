alter table app.orders enable row level security;
alter table app.orders force row level security;
create policy of_my_accounts on app.orders for select to app_user -- finding
    using (account_id in (select a.id from app.accounts a));
create policy with_orders on app.accounts as restrictive for select to app_user -- finding
    using (id in (select o.account_id from app.orders o));
