grant usage on schema app to app_user;
grant all on function app.current_tenant() to app_user;
