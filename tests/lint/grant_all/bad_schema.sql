grant all on schema app to app_user; -- finding
grant all privileges on database postgres to app_user; -- finding
