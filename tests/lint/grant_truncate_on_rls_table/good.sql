grant delete on app.accounts to app_user;
grant truncate on app.docs to app_user;
grant truncate on app.accounts to app_owner;
revoke truncate on app.accounts from app_user;
