grant select on app.docs to app_user with grant option; -- finding
alter default privileges in schema app grant select on tables to app_user with grant option; -- finding
