grant select on app.docs to app_user;
grant usage on type app.order_state to public;
revoke select on app.docs from public;
alter default privileges in schema app revoke execute on functions from public;
comment on table app.docs is 'grant select on app.docs to public';
grant select on app.docs to "public_reader";
