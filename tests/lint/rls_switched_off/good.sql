-- migrate:up
alter table app.docs enable row level security;
alter table app.docs force row level security;
create policy readers on app.docs for select to app_user using (body is not null);

-- migrate:down
drop policy readers on app.docs;
alter table app.docs no force row level security;
alter table app.docs disable row level security;
