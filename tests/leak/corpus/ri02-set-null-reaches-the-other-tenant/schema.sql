create role fleet_app login;
create schema fleet;
grant usage on schema fleet to fleet_app;
create table fleet.depots (
    id integer primary key,
    name text not null
);
create table fleet.drivers (
    id uuid primary key default gen_random_uuid(),
    depot_id integer not null references fleet.depots,
    name text not null,
    unique (depot_id, id)
);
create table fleet.vehicles (
    depot_id integer not null references fleet.depots,
    plate text not null check (plate ~ '^[A-Z0-9 ]+$'),
    driver_id uuid references fleet.drivers (id) on delete set null,
    primary key (depot_id, plate)
);
create function fleet.depot() returns integer language sql stable
as $$ select nullif(current_setting('fleet.depot', true), '')::integer $$;
alter table fleet.depots enable row level security;
alter table fleet.drivers enable row level security;
alter table fleet.vehicles enable row level security;
create policy d on fleet.depots for select to fleet_app using (id = fleet.depot());
create policy r on fleet.drivers to fleet_app using (depot_id = fleet.depot());
create policy v on fleet.vehicles for select to fleet_app using (depot_id = fleet.depot());
grant select on fleet.depots, fleet.vehicles to fleet_app;
grant select, delete on fleet.drivers to fleet_app;
insert into fleet.depots values (1, 'Acme'), (2, 'Globex');
insert into fleet.drivers values
    ('10000000-0000-4000-8000-000000000001', 1, 'theirs'), ('20000000-0000-4000-8000-000000000002', 2, 'own driver');
-- a driver on loan
insert into fleet.vehicles values (1, 'A 1', '20000000-0000-4000-8000-000000000002'), (2, 'B 2', null);
