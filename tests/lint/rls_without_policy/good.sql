alter table app.docs force row level security, enable row level security;
create policy readers on app.docs for select to app_user using (body is not null);
drop policy members_all on app.accounts;
create policy members_read on app.accounts for select to app_user using (tenant_id = (select app.current_tenant()));
