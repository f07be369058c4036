create role app_admin nologin;
grant app_user to app_admin;
revoke admin option for app_user from app_admin;
