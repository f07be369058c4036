create role cc_owner nologin;
create role cc_app login;
grant usage, create on schema public to cc_owner;
grant usage on schema public to cc_app;
set role cc_owner;
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
create policy clinics_self on clinics for select to cc_app using (id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_read on patients for select to cc_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_add on patients for insert to cc_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_edit on patients for update to cc_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy patients_drop on patients for delete to cc_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_read on visits for select to cc_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_add on visits for insert to cc_app with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_edit on visits for update to cc_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create policy visits_drop on visits for delete to cc_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select on clinics to cc_app;
grant select, insert, update, delete on patients, visits to cc_app;
reset role;

insert into clinics (id, name) values ('c11c0000-0000-4000-8000-00000000000a', 'Acme Clinic'), ('c22c0000-0000-4000-8000-00000000000b', 'Globex Clinic');
insert into patients (clinic_id, id, full_name, email, diagnosis) values
  ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A patient', 'secret@acme.test', 'SECRET-A diagnosis'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B', 'b@globex.test', 'flu');
insert into visits (clinic_id, patient_id, note) values ('c11c0000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A visit'), ('c22c0000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000001', 'own-B visit');

set role cc_owner;
create table counters (clinic_id uuid primary key references clinics (id), last_no integer not null default 0);
alter table counters enable row level security; alter table counters force row level security;
create policy own on counters to cc_owner using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
create table bills (clinic_id uuid not null references clinics (id), bill_no integer not null, memo text, primary key (clinic_id, bill_no));
alter table bills enable row level security; alter table bills force row level security;
create policy t on bills to cc_app using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid) with check (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
grant select, insert on bills to cc_app;
create function number_bill() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into public.counters as c values (new.clinic_id, 1) on conflict (clinic_id) do update set last_no = c.last_no + 1 returning last_no into new.bill_no;
  return new;
end $$;
create trigger number_bill before insert on bills for each row execute function number_bill();
reset role;
insert into counters values ('c11c0000-0000-4000-8000-00000000000a', 41), ('c22c0000-0000-4000-8000-00000000000b', 1);
alter table bills disable trigger number_bill; insert into bills values ('c11c0000-0000-4000-8000-00000000000a', 41, 'SECRET-A bill'), ('c22c0000-0000-4000-8000-00000000000b', 1, 'own'); alter table bills enable trigger number_bill;
