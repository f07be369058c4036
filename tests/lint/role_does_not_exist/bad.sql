create role app_reader nologin;
grant select on app.docs to app_raeder; -- finding
create policy readers on app.accounts as restrictive for select to somebody_else using (tenant_id = (select app.current_tenant())); -- finding
