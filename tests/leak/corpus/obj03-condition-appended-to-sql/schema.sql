create role vf_owner nologin;
create role vf_fleet_rw nologin;
create role vf_app login;
grant vf_fleet_rw to vf_app;
create schema fleet authorization vf_owner;
grant usage on schema fleet to vf_fleet_rw;
set role vf_owner;
create table fleet.companies (company_code varchar(12) primary key, title text not null, vat_no text not null);
create table fleet.vehicles (
  company_code varchar(12) not null references fleet.companies,
  vehicle_no   integer not null,
  plate        text not null,
  label        text,
  state        text not null default 'active',
  primary key (company_code, vehicle_no),
  unique (company_code, plate)
);
create table fleet.trips (
  company_code varchar(12) not null,
  vehicle_no   integer not null,
  trip_no      integer not null,
  driver       text not null,
  km           numeric(9,1) not null default 0,
  primary key (company_code, vehicle_no, trip_no),
  foreign key (company_code, vehicle_no) references fleet.vehicles
);
alter table fleet.companies enable row level security;
alter table fleet.companies force row level security;
alter table fleet.vehicles enable row level security;
alter table fleet.vehicles force row level security;
alter table fleet.trips enable row level security;
alter table fleet.trips force row level security;
create policy company_rows on fleet.companies for select to vf_fleet_rw using (company_code = current_setting('fleet.company'));
create policy company_rows on fleet.vehicles to vf_fleet_rw using (company_code = current_setting('fleet.company')) with check (company_code = current_setting('fleet.company'));
create policy company_rows on fleet.trips to vf_fleet_rw using (company_code = current_setting('fleet.company')) with check (company_code = current_setting('fleet.company'));
grant select on fleet.companies to vf_fleet_rw;
grant select, insert, update, delete on fleet.vehicles, fleet.trips to vf_fleet_rw;
reset role;

insert into fleet.companies values ('ACME', 'Acme Haulage', 'DE-SECRET-A'), ('GLOB', 'Globex Freight', 'DE-2');
insert into fleet.vehicles (company_code, vehicle_no, plate, label) values ('ACME', 1, 'B-AC 1', 'SECRET-A truck'), ('GLOB', 1, 'B-GL 1', 'own-B');
insert into fleet.trips (company_code, vehicle_no, trip_no, driver, km) values ('ACME', 1, 1, 'SECRET-A driver', 100), ('GLOB', 1, 1, 'own-B driver', 5);

create function fleet.list_vehicles(p_filter text default 'true') returns setof text language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query execute 'select label from fleet.vehicles where company_code = current_setting(''fleet.company'') and ' || p_filter;
end $$;
