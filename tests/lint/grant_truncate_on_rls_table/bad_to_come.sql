alter default privileges in schema app grant select, truncate on tables to app_user; -- finding
