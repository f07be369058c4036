drop policy members_all on app.accounts;
create policy everybody on app.accounts for select to app_user using (true); -- finding
create policy the_same on app.accounts for update to app_user using (1 = 1) with check (true); -- finding
create policy present on app.accounts for delete to app_user using (tenant_id is not null); -- finding
