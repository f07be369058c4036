create role cp_owner nologin;
create role cp_app login;
grant usage, create on schema public to cp_owner;
grant usage on schema public to cp_app;
set role cp_owner;
create table clinics (id uuid primary key, name text not null, plan text not null default 'basic');
create table patients (
  clinic_id uuid not null references clinics (id),
  id        uuid not null default gen_random_uuid(),
  full_name text not null,
  email     text not null,
  diagnosis text,
  active    boolean not null default true,
  primary key (clinic_id, id),
  unique (clinic_id, email)
);
create table visits (
  clinic_id  uuid not null,
  id         uuid not null default gen_random_uuid(),
  patient_id uuid not null,
  held_on    date not null default current_date,
  note       text not null,
  primary key (clinic_id, id),
  foreign key (clinic_id, patient_id) references patients (clinic_id, id)
);
create index visits_patient_idx on visits (clinic_id, patient_id);
alter table clinics enable row level security;
alter table clinics force row level security;
alter table patients enable row level security;
alter table patients force row level security;
alter table visits enable row level security;
alter table visits force row level security;
create policy clinics_self on clinics for select to cp_app using (id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_read on patients for select to cp_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_add on patients for insert to cp_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_edit on patients for update to cp_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_drop on patients for delete to cp_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_read on visits for select to cp_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_add on visits for insert to cp_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_edit on visits for update to cp_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_drop on visits for delete to cp_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select on clinics to cp_app;
grant select, insert, update, delete on patients, visits to cp_app;
reset role;

insert into clinics (id, name) values ('c11c0000-0000-4000-8000-00000000000a', 'Acme Clinic'), ('c22c0000-0000-4000-8000-00000000000b', 'Globex Clinic');
insert into patients (clinic_id, id, full_name, email, diagnosis) values
  ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A patient', 'secret@acme.test', 'SECRET-A diagnosis'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B', 'b@globex.test', 'flu');
insert into visits (clinic_id, patient_id, note) values ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A visit'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B visit');

set role cp_owner;
create table measurements (clinic_id uuid not null, year integer not null, value text not null) partition by list (year);
alter table measurements enable row level security; alter table measurements force row level security;
create policy t on measurements to cp_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select, insert on measurements to cp_app;
create table old_measurements (clinic_id uuid not null, year integer not null, value text not null);
grant select on old_measurements to cp_app;
alter table measurements attach partition old_measurements for values in (2019);
create table measurements_2025 partition of measurements for values in (2025);
reset role;
insert into measurements values ('c11c0000-0000-4000-8000-00000000000a', 2019, 'SECRET-A value'), ('c22c0000-0000-4000-8000-00000000000b', 2019, 'own');
