create role school_owner nologin;
create role school_app login;
create schema school authorization school_owner;
grant usage on schema school to school_app;
set role school_owner;
alter default privileges in schema school grant select, insert, update, delete on tables to school_app;

create table school.districts (
    id uuid primary key default gen_random_uuid(),
    name text not null
);
alter table school.districts enable row level security, force row level security;
create policy district on school.districts for select
    using (id = (select nullif(current_setting('school.district', true), '')::uuid));

create table school.pupils (
    district_id uuid not null references school.districts,
    pupil_no integer not null check (pupil_no > 0),
    given_name text not null,
    grade smallint not null check (grade between 1 and 13),
    primary key (district_id, pupil_no)
);
alter table school.pupils enable row level security, force row level security;
create policy district on school.pupils
    using (district_id = (select nullif(current_setting('school.district', true), '')::uuid));

-- migration 14, a year later
create table school.incident_reports (
    district_id uuid not null,
    pupil_no integer not null,
    happened_on date not null,
    report text not null check (length(report) <= 4000),
    primary key (district_id, pupil_no, happened_on),
    foreign key (district_id, pupil_no) references school.pupils
);

reset role;
insert into school.districts values
    ('d1000000-0000-4000-8000-000000000001', 'North'), ('d2000000-0000-4000-8000-000000000002', 'South');
insert into school.pupils values
    ('d1000000-0000-4000-8000-000000000001', 1, 'Ann', 4), ('d2000000-0000-4000-8000-000000000002', 1, 'Bo', 5);
insert into school.incident_reports values
    ('d1000000-0000-4000-8000-000000000001', 1, '2025-05-05', 'SECRET report'),
    ('d2000000-0000-4000-8000-000000000002', 1, '2025-05-06', 'own report');
