create role cq_owner nologin;
create role cq_app login;
grant usage, create on schema public to cq_owner;
grant usage on schema public to cq_app;
set role cq_owner;
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
create policy clinics_self on clinics for select to cq_app using (id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_read on patients for select to cq_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_add on patients for insert to cq_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_edit on patients for update to cq_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_drop on patients for delete to cq_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_read on visits for select to cq_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_add on visits for insert to cq_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_edit on visits for update to cq_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_drop on visits for delete to cq_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select on clinics to cq_app;
grant select, insert, update, delete on patients, visits to cq_app;
reset role;

insert into clinics (id, name) values ('c11c0000-0000-4000-8000-00000000000a', 'Acme Clinic'), ('c22c0000-0000-4000-8000-00000000000b', 'Globex Clinic');
insert into patients (clinic_id, id, full_name, email, diagnosis) values
  ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A patient', 'secret@acme.test', 'SECRET-A diagnosis'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B', 'b@globex.test', 'flu');
insert into visits (clinic_id, patient_id, note) values ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A visit'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B visit');

set role cq_owner;
create table questionnaires (id uuid primary key default gen_random_uuid(), clinic_id uuid references clinics (id), title text not null);
create table questions (id uuid primary key default gen_random_uuid(), clinic_id uuid references clinics (id), questionnaire_id uuid not null references questionnaires (id), txt text not null);
alter table questionnaires enable row level security; alter table questionnaires force row level security;
alter table questions enable row level security; alter table questions force row level security;
create policy r on questionnaires for select to cq_app using (clinic_id is null or clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy r on questions for select to cq_app using (clinic_id is null or clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select on questionnaires, questions to cq_app;
reset role;
insert into questionnaires (id, clinic_id, title) values ('eeeeeeee-0000-4000-8000-00000000000e', null, 'Pain'), (gen_random_uuid(), 'c11c0000-0000-4000-8000-00000000000a', 'SECRET-A form');
insert into questions (clinic_id, questionnaire_id, txt) values (null, 'eeeeeeee-0000-4000-8000-00000000000e', 'Where?');
