grant truncate on app.accounts to app_user; -- finding
grant select, truncate on app.orders to app_admin; -- finding
grant truncate on all tables in schema app to app_user; -- finding
