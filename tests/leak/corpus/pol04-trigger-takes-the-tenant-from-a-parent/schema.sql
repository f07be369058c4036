create role cl_owner nologin;
create role cl_app login;
grant usage, create on schema public to cl_owner;
grant usage on schema public to cl_app;
set role cl_owner;
create table practice (practice_id bigint primary key, name text not null);
create table doctor (practice_id bigint not null references practice, doctor_id uuid not null default gen_random_uuid(), name text not null, room text,
  primary key (practice_id, doctor_id));
create table patient (practice_id bigint not null references practice, patient_id uuid not null default gen_random_uuid(),
  full_name text not null, born date, phone text, primary key (practice_id, patient_id));
create table visit (practice_id bigint not null, visit_id uuid not null default gen_random_uuid(), patient_id uuid not null, doctor_id uuid not null,
  starts_at timestamptz not null, ends_at timestamptz not null, notes text, check (ends_at > starts_at),
  primary key (practice_id, visit_id),
  foreign key (practice_id, patient_id) references patient on delete cascade,
  foreign key (practice_id, doctor_id) references doctor);
create table prescription (practice_id bigint not null, prescription_id uuid not null default gen_random_uuid(), visit_id uuid not null,
  drug text not null, dose_mg numeric(8,2) not null check (dose_mg > 0),
  primary key (practice_id, prescription_id), foreign key (practice_id, visit_id) references visit on delete cascade);
alter table practice enable row level security;
alter table practice force row level security;
alter table doctor enable row level security;
alter table doctor force row level security;
alter table patient enable row level security;
alter table patient force row level security;
alter table visit enable row level security;
alter table visit force row level security;
alter table prescription enable row level security;
alter table prescription force row level security;
create policy own_practice on practice for select to cl_app using (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint);
create policy doctor_isolation on doctor to cl_app
  using (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint)
  with check (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint);
create policy patient_isolation on patient to cl_app
  using (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint)
  with check (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint);
create policy visit_isolation on visit to cl_app
  using (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint)
  with check (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint);
create policy prescription_isolation on prescription to cl_app
  using (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint)
  with check (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint);
grant select on practice to cl_app;
grant select, insert, update, delete on doctor, patient, visit, prescription to cl_app;
reset role;
create table lab_result (practice_id bigint, result_id uuid not null default gen_random_uuid(), visit_id uuid not null, finding text not null, primary key (practice_id, result_id));
alter table lab_result enable row level security;
alter table lab_result force row level security;
create policy lab_result_read on lab_result for select to cl_app using (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint);
create policy lab_result_add on lab_result for insert to cl_app with check (practice_id is not null);
grant select, insert on lab_result to cl_app;
create function fill_practice() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  select practice_id into new.practice_id from public.visit where visit_id = new.visit_id;
  return new;
end $$;
create trigger fill_practice before insert on lab_result for each row execute function fill_practice();
reset role;
insert into practice values (1, 'Acme Health'), (2, 'Globex Care');
insert into doctor values (1, '11111111-1111-4111-8111-111111111111', 'SECRET-A doctor', '1'), (2, '22222222-2222-4222-8222-222222222222', 'own-B doctor', '1');
insert into patient values (1, '11111111-1111-4111-8111-111111111111', 'SECRET-A patient', '1980-01-01', '+1 555 0101'), (2, '22222222-2222-4222-8222-222222222222', 'own-B', '1990-02-02', '+1 555 0202');
insert into visit values (1, '11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', '2026-01-05 10:00+00', '2026-01-05 10:30+00', 'SECRET-A diagnosis'), (2, '22222222-2222-4222-8222-222222222222', '22222222-2222-4222-8222-222222222222', '22222222-2222-4222-8222-222222222222', '2026-01-06 10:00+00', '2026-01-06 10:30+00', 'own-B notes');
insert into prescription values (1, '11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', 'SECRET-A drug', 10), (2, '22222222-2222-4222-8222-222222222222', '22222222-2222-4222-8222-222222222222', 'own-B drug', 10);
insert into lab_result (visit_id, finding) values ('11111111-1111-4111-8111-111111111111', 'SECRET-A finding'), ('22222222-2222-4222-8222-222222222222', 'own-B finding');
