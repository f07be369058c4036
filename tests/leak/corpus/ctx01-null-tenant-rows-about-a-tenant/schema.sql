create role cn_owner nologin;
create role cn_app login;
grant usage, create on schema public to cn_owner;
grant usage on schema public to cn_app;
set role cn_owner;
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
create policy clinics_self on clinics for select to cn_app using (id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_read on patients for select to cn_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_add on patients for insert to cn_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_edit on patients for update to cn_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_drop on patients for delete to cn_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_read on visits for select to cn_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_add on visits for insert to cn_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_edit on visits for update to cn_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_drop on visits for delete to cn_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select on clinics to cn_app;
grant select, insert, update, delete on patients, visits to cn_app;
reset role;

insert into clinics (id, name) values ('c11c0000-0000-4000-8000-00000000000a', 'Acme Clinic'), ('c22c0000-0000-4000-8000-00000000000b', 'Globex Clinic');
insert into patients (clinic_id, id, full_name, email, diagnosis) values
  ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A patient', 'secret@acme.test', 'SECRET-A diagnosis'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B', 'b@globex.test', 'flu');
insert into visits (clinic_id, patient_id, note) values ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A visit'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B visit');

set role cn_owner;
create table lab_results (id uuid primary key default gen_random_uuid(), clinic_id uuid references clinics (id), patient_id uuid not null, result text not null);
alter table lab_results enable row level security; alter table lab_results force row level security;
create policy r on lab_results for select to cn_app using (clinic_id is null or clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select on lab_results to cn_app;
reset role;
insert into lab_results (clinic_id, patient_id, result) values (null, 'a0000000-0000-4000-8000-000000000001', 'SECRET-A positive'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'negative');
