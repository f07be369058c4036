create policy not_deleted on app.accounts for select to app_user using (email is not null); -- finding
create policy everybodys on app.accounts for update using (tenant_id = (select app.current_tenant())); -- finding
