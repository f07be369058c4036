create role cb_owner nologin;
create role cb_app login;
grant usage, create on schema public to cb_owner;
grant usage on schema public to cb_app;
set role cb_owner;
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
create policy clinics_self on clinics for select to cb_app using (id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_read on patients for select to cb_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_add on patients for insert to cb_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_edit on patients for update to cb_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_drop on patients for delete to cb_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_read on visits for select to cb_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_add on visits for insert to cb_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_edit on visits for update to cb_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_drop on visits for delete to cb_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select on clinics to cb_app;
grant select, insert, update, delete on patients, visits to cb_app;
reset role;

insert into clinics (id, name) values ('c11c0000-0000-4000-8000-00000000000a', 'Acme Clinic'), ('c22c0000-0000-4000-8000-00000000000b', 'Globex Clinic');
insert into patients (clinic_id, id, full_name, email, diagnosis) values
  ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A patient', 'secret@acme.test', 'SECRET-A diagnosis'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B', 'b@globex.test', 'flu');
insert into visits (clinic_id, patient_id, note) values ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A visit'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B visit');

set role cb_owner;
create table slots (clinic_id uuid not null references clinics (id), id uuid not null default gen_random_uuid(), device text not null, day date not null, patient text not null, primary key (clinic_id, id));
alter table slots enable row level security;
create policy t on slots to cb_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select, insert on slots to cb_app;
create function check_slot() returns trigger language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare other text;
begin
  select patient into other from slots where device = new.device and day = new.day;
  if found then raise exception 'device % is booked for %', new.device, other; end if;
  return new;
end $$;
create trigger check_slot before insert on slots for each row execute function check_slot();
reset role;
insert into slots (clinic_id, device, day, patient) values ('c11c0000-0000-4000-8000-00000000000a', 'MRI', '2030-01-01', 'SECRET-A patient'), ('c22c0000-0000-4000-8000-00000000000b', 'CT', '2030-01-01', 'own');
