create policy nothing_more on app.accounts as restrictive for select to app_user using (true); -- finding
create policy admins on app.accounts for select to app_admin using (true); -- finding
