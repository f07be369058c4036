alter table app.docs enable row level security; -- finding
create policy readers on app.docs for select to app_user using (body is not null);
