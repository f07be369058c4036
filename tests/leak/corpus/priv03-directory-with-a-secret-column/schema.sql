create role dir_app login;
create schema dir;
grant usage on schema dir to dir_app;
create table dir.clinics (
    id integer primary key,
    name text not null,
    city text not null default '',
    webhook_secret text not null default md5(random()::text)
);
create table dir.appointments (
    clinic_id integer not null references dir.clinics,
    at timestamptz not null,
    patient text not null,
    primary key (clinic_id, at)
);
create function dir.clinic() returns integer language sql stable
as $$ select nullif(current_setting('dir.clinic', true), '')::integer $$;
alter table dir.clinics enable row level security;
alter table dir.appointments enable row level security;
create policy listed on dir.clinics for select to dir_app using (true);
create policy own on dir.clinics for update to dir_app using (id = dir.clinic());
create policy own on dir.appointments to dir_app using (clinic_id = dir.clinic());
grant select, update (name, city, webhook_secret) on dir.clinics to dir_app;
grant select, insert, update, delete on dir.appointments to dir_app;
insert into dir.clinics values (1, 'Acme', 'A', 'SECRET-key'), (2, 'Globex', 'B', 'own-key');
insert into dir.appointments values (1, '2026-01-01', 'theirs'), (2, '2026-01-01', 'own patient');
