create role portal_app login;
create schema portal;
grant usage on schema portal to portal_app;
create table portal.firms (
    id integer primary key,
    name text not null
);
create table portal.cases (
    firm_id integer not null references portal.firms,
    id integer not null,
    title text not null,
    closed boolean not null default false,
    primary key (firm_id, id)
);
alter table portal.firms enable row level security, force row level security;
alter table portal.cases enable row level security, force row level security;
create policy own on portal.firms for select to portal_app
    using (id = nullif(current_setting('portal.firm', true), '')::integer);
create policy own on portal.cases to portal_app
    using (firm_id = nullif(current_setting('portal.firm', true), '')::integer);
grant select on portal.firms to portal_app;
grant select, insert, update, delete on portal.cases to portal_app;
create view portal.open_cases with (security_invoker = true, check_option = local) as
    select firm_id, id, title, closed from portal.cases where not closed;
create view portal.workload with (security_invoker = true) as
    select f.name, count(*) as open_cases from portal.firms f join portal.open_cases c on c.firm_id = f.id group by f.name;
grant select, insert, update on portal.open_cases to portal_app;
grant select on portal.workload to portal_app;
insert into portal.firms values (1, 'Acme'), (2, 'Globex');
insert into portal.cases values (1, 1, 'SECRET case'), (2, 1, 'own case');
