create role pa login;
create schema pa;
grant usage on schema pa to pa;
create table pa.units (
    path text primary key check (path ~ '^(/[a-z0-9]+)+/$')
);
create table pa.docs (
    path text not null references pa.units,
    id uuid primary key default gen_random_uuid(),
    body text
);
alter table pa.units enable row level security;
alter table pa.docs enable row level security;
create policy p on pa.units for select to pa
    using (starts_with(path, nullif(current_setting('pa.path', true), '')));
create policy p on pa.docs to pa
    using (starts_with(path, nullif(current_setting('pa.path', true), '')));
grant select on pa.units to pa;
grant select, insert, update, delete on pa.docs to pa;
insert into pa.units values ('/acme/'), ('/globex/'), ('/globexplus/');
insert into pa.docs (path, body) values ('/acme/', 'SECRET'), ('/globexplus/', 'SECRET plus'), ('/globex/', 'own');
