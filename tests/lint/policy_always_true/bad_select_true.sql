create policy everybody on app.accounts for select to app_user using ((select true)); -- finding
