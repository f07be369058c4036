-- __module__: the first file of the module. Run as app_owner.

create schema __module__;

comment on schema __module__ is 'Notes that the members of one tenant share.';

-- CREATE is what lets a function be given to app_definer.
grant usage, create on schema __module__ to app_definer;
grant usage on schema __module__ to app_user, app_readonly;

alter default privileges in schema __module__ grant all on tables to app_definer;
