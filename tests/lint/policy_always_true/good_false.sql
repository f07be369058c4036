create policy nobody on app.accounts as restrictive for delete to app_user using (false);
