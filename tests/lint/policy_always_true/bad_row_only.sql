drop policy members_all on app.accounts;
create policy with_email on app.accounts for select to app_user using (email is not null); -- finding
