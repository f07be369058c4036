create role clinic_owner nologin;
create role clinic_api login;
create schema clinic authorization clinic_owner;
grant usage on schema clinic to clinic_api;
set role clinic_owner;

create type clinic.sex as enum ('female', 'male', 'unknown');
create table clinic.practices (
    id smallint primary key,
    name text not null
);
create table clinic.patients (
    practice_id smallint not null references clinic.practices,
    id integer generated always as identity,
    full_name text not null,
    sex clinic.sex not null default 'unknown',
    born_on date not null check (born_on between date '1900-01-01' and date '2100-01-01'),
    primary key (practice_id, id)
);
create table clinic.lab_results (
    practice_id smallint not null,
    id integer generated always as identity,
    patient_id integer not null,
    analyte text not null check (analyte ~ '^[A-Z]{2,6}$'),
    reference_range numrange not null check (not isempty(reference_range)),
    finding text not null,
    primary key (practice_id, id),
    foreign key (practice_id, patient_id) references clinic.patients (practice_id, id)
);

create function clinic.practice() returns smallint stable
    return nullif(current_setting('clinic.practice', true), '')::smallint;

alter table clinic.practices enable row level security, force row level security;
alter table clinic.patients enable row level security, force row level security;
create policy own on clinic.practices for select to clinic_api using (id = clinic.practice());
create policy own on clinic.patients to clinic_api using (practice_id = clinic.practice());
create policy own on clinic.lab_results to clinic_api using (practice_id = clinic.practice());
grant select on clinic.practices to clinic_api;
grant select, insert, update, delete on clinic.patients, clinic.lab_results to clinic_api;

reset role;
insert into clinic.practices values (10, 'Harbour Practice'), (20, 'Hill Practice');
insert into clinic.patients (practice_id, full_name, born_on) values
    (10, 'Ada Moss', '1970-02-03'), (20, 'Ben Reed', '1980-04-05');
insert into clinic.lab_results (practice_id, patient_id, analyte, reference_range, finding) values
    (10, 1, 'HBA', '[4,6)', 'SECRET diabetes'), (20, 2, 'TSH', '[0.4,4)', 'own finding');
