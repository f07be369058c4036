grant select on app.docs to app_user;
revoke grant option for select on app.docs from app_user;
comment on table app.docs is 'never with grant option';
