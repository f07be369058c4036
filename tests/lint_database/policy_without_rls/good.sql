create schema app;
create table app.countries (code text primary key);
create policy readable on app.countries for select using (true);
alter table app.countries enable row level security;
alter table app.countries force row level security;
