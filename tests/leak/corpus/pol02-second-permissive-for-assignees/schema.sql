create role field_api login;
create schema field;
grant usage on schema field to field_api;

create table field.companies (
    id integer primary key,
    name text not null
);
create table field.technicians (
    company_id integer not null references field.companies,
    id integer not null,
    name text not null,
    primary key (company_id, id)
);
create table field.jobs (
    company_id integer not null references field.companies,
    id uuid not null default gen_random_uuid(),
    technician_id integer,
    address text not null,
    slot tstzrange not null check (lower(slot) < upper(slot)),
    primary key (company_id, id),
    foreign key (company_id, technician_id) references field.technicians
);
create function field.company() returns integer language sql stable
as $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'company_id')::integer $$;

alter table field.companies enable row level security, force row level security;
alter table field.technicians enable row level security, force row level security;
alter table field.jobs enable row level security, force row level security;
create policy companies_own on field.companies for select to field_api using (id = field.company());
create policy technicians_own on field.technicians to field_api using (company_id = field.company());
create policy jobs_own on field.jobs to field_api
    using (company_id = field.company()) with check (company_id = field.company());
create policy jobs_unassigned on field.jobs for select to field_api using (technician_id is null);
grant select on field.companies to field_api;
grant select, insert, update, delete on field.technicians, field.jobs to field_api;

insert into field.companies values (1, 'Acme Heating'), (2, 'Globex Plumbing');
insert into field.technicians values (1, 1, 'Al'), (2, 1, 'Bo');
insert into field.jobs (company_id, technician_id, address, slot) values
    (1, null, 'SECRET address', '[2026-01-01 08:00+00,2026-01-01 09:00+00)'),
    (2, null, 'own address', '[2026-01-01 08:00+00,2026-01-01 09:00+00)');
