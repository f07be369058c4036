-- the other table has no policy that comes back
create policy with_orders on app.accounts as restrictive for select to app_user
    using (id in (select o.account_id from app.orders o));

-- a name from a with clause is no table
create policy named on app.accounts as restrictive for delete to app_user
    using (id in (with accounts as (select o.account_id from app.orders o) select account_id from accounts));

-- other roles do not meet
alter table app.orders enable row level security;
alter table app.orders force row level security;
create policy of_accounts on app.orders for select to app_reader
    using (account_id in (select a.id from app.accounts a));
