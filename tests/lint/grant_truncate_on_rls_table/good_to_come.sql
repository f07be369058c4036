create schema scratch;
alter default privileges in schema scratch grant select, truncate on tables to app_user;
alter default privileges in schema app grant select, delete on tables to app_user;
