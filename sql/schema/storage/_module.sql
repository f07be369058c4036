-- storage: what the database knows of files. The bytes are elsewhere; names, limits, permission and one-time grants are here.

create schema storage;

comment on schema storage is 'Buckets, objects and grants to read or upload them. The bytes never pass through the database.';

-- CREATE is what lets a function be given to app_definer.
grant usage, create on schema storage to app_definer;
grant usage on schema storage to app_user, app_readonly, app_worker;

alter default privileges in schema storage grant all on tables to app_definer;
