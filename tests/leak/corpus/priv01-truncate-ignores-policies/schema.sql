create role lms_app login;
create schema lms;
grant usage on schema lms to lms_app;
create table lms.schools (
    id uuid primary key,
    name text not null
);
create table lms.submissions (
    school_id uuid not null references lms.schools,
    pupil text not null,
    task integer not null,
    grade numrange,
    primary key (school_id, pupil, task)
);
alter table lms.schools enable row level security, force row level security;
alter table lms.submissions enable row level security, force row level security;
create policy s on lms.schools for select to lms_app
    using (id = nullif(current_setting('lms.school', true), '')::uuid);
create policy own on lms.submissions to lms_app
    using (school_id = nullif(current_setting('lms.school', true), '')::uuid);
grant select on lms.schools to lms_app;
grant select, insert, update, delete, truncate on lms.submissions to lms_app;
insert into lms.schools values
    ('a0000000-0000-4000-8000-00000000000a', 'Acme'), ('b0000000-0000-4000-8000-00000000000b', 'Globex');
insert into lms.submissions values
    ('a0000000-0000-4000-8000-00000000000a', 'ann', 1, null), ('b0000000-0000-4000-8000-00000000000b', 'bo', 1, null);
