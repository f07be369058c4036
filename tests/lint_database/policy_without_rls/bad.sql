-- finding: app.countries
create schema app;
create table app.countries (code text primary key);
create policy readable on app.countries for select using (true);
