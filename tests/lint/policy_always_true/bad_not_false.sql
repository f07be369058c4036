create policy everybody on app.accounts for select to app_user using (not false); -- finding
