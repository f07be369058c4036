alter table app.docs enable row level security;
alter table app.docs force row level security;
create policy readers on app.docs for select to app_user using (body is not null);
-- a table that is forced already
create policy more_readers on app.accounts as restrictive for select to app_user using (tenant_id = (select app.current_tenant()));
