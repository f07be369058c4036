-- finding: app.notes
create role lint_many_user;
create schema app;
create table app.notes (tenant_id uuid, user_id uuid, id bigint, primary key (tenant_id, id));
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy a on app.notes for select to lint_many_user using (user_id is null);
create policy b on app.notes to public using (tenant_id is null);
