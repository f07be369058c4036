create policy readers on app.docs for select to app_user using (body is not null);
alter table only app.docs force row level security, enable row level security;

-- enabled by an earlier file
alter policy members_all on app.accounts using (tenant_id = (select app.current_tenant()));

-- no file says what this one is like
create policy members on elsewhere.notes for select to app_user using (tenant_id = (select app.current_tenant()));

-- a policy that does not stay
create policy passing on app.pages for select to app_user using (body is not null);
drop policy passing on app.pages;
