grant select on app.accounts to service_role; -- finding
create policy service on app.accounts for select to service_role using (true); -- finding
