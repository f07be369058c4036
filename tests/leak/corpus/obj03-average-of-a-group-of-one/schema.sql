create role hr_owner nologin;
create role hr_app login;
create schema hr authorization hr_owner;
grant usage on schema hr to hr_app;
set role hr_owner;
create table hr.company (slug text primary key, legal_name text not null);
create table hr.job (id int primary key, title text not null unique);
insert into hr.job values (1, 'engineer'), (2, 'director');
grant select on hr.job to hr_app;
create table hr.employee (company text not null references hr.company, badge text not null, full_name text not null, job_id int not null references hr.job, hired date not null default current_date,
  primary key (company, badge));
create table hr.salary (company text not null, badge text not null, valid_from date not null, monthly numeric(10,2) not null check (monthly >= 0),
  primary key (company, badge, valid_from), foreign key (company, badge) references hr.employee on delete cascade);
create table hr.leave_request (company text not null, id uuid not null default gen_random_uuid(), badge text not null, days daterange not null, state text not null default 'open' check (state in ('open','granted','denied')), reason text,
  primary key (company, id), foreign key (company, badge) references hr.employee on delete cascade);
alter table hr.company enable row level security;
alter table hr.company force row level security;
alter table hr.employee enable row level security;
alter table hr.employee force row level security;
alter table hr.salary enable row level security;
alter table hr.salary force row level security;
alter table hr.leave_request enable row level security;
alter table hr.leave_request force row level security;
create policy company_self on hr.company for select to hr_app using (slug = current_setting('hr.company', true));
create policy employee_isolation on hr.employee to hr_app
  using (company = current_setting('hr.company', true))
  with check (company = current_setting('hr.company', true));
create policy salary_isolation on hr.salary to hr_app
  using (company = current_setting('hr.company', true))
  with check (company = current_setting('hr.company', true));
create policy leave_request_isolation on hr.leave_request to hr_app
  using (company = current_setting('hr.company', true))
  with check (company = current_setting('hr.company', true));
grant select on hr.company to hr_app;
grant select, insert, update, delete on hr.employee, hr.salary, hr.leave_request to hr_app;
reset role;
create function hr.benchmark(p_job int) returns numeric language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select avg(s.monthly) from hr.salary s join hr.employee e using (company, badge) where e.job_id = p_job $$;
reset role;
insert into hr.company values ('acme', 'Acme Inc'), ('globex', 'Globex Ltd');
insert into hr.employee (company, badge, full_name, job_id) values ('acme', 'A-007', 'SECRET-A spy', 2), ('globex', 'B-001', 'own-B', 1);
insert into hr.salary values ('acme', 'A-007', '2026-01-01', 19999), ('globex', 'B-001', '2026-01-01', 1000);
insert into hr.leave_request (company, id, badge, days, reason) values ('acme', '11111111-1111-4111-8111-111111111111', 'A-007', '[2026-03-01,2026-03-10)', 'SECRET-A surgery'), ('globex', '22222222-2222-4222-8222-222222222222', 'B-001', '[2026-04-01,2026-04-02)', 'own-B reason');
