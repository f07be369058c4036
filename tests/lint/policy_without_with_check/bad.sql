create policy members_insert on app.accounts for insert to app_user; -- finding
