create role app_admin nologin;
grant app_user to app_admin with admin option; -- finding
grant select on app.docs to app_admin with  grant  option; -- finding
