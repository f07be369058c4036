grant select, insert, update, delete on app.orders to app_user;
grant all on app.orders to app_owner, app_definer;
grant all on function app.current_tenant() to app_user;
grant all on schema app to app_owner;
revoke all on app.orders from app_user;
