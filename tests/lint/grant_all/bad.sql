grant all on app.orders to app_user; -- finding
grant all privileges on all tables in schema app to app_user; -- finding
alter default privileges in schema app grant all on tables to app_user; -- finding
grant all on app.docs to app_admin; -- finding
