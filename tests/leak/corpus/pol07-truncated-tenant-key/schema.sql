create role iot_gateway login;
create schema iot;
grant usage on schema iot to iot_gateway;

create table iot.fleets (
    id uuid primary key,
    label text not null
);
create table iot.readings (
    fleet_id uuid not null references iot.fleets,
    device inet not null,
    taken_at timestamptz not null,
    value double precision not null,
    primary key (fleet_id, device, taken_at)
);
alter table iot.fleets enable row level security, force row level security;
alter table iot.readings enable row level security, force row level security;
create policy fleet on iot.fleets for select to iot_gateway using (id::text = current_setting('iot.fleet', true));
create policy fleet on iot.readings to iot_gateway
    using (left(fleet_id::text, 8) = left(current_setting('iot.fleet', true), 8));
grant select on iot.fleets to iot_gateway;
grant select, insert, delete on iot.readings to iot_gateway;

insert into iot.fleets values
    ('5eed0000-0000-4000-8000-00000000000a', 'Acme'), ('5eed0000-0000-4000-8000-00000000000b', 'Globex');
insert into iot.readings values
    ('5eed0000-0000-4000-8000-00000000000a', '10.0.0.1', '2026-01-01', 1),
    ('5eed0000-0000-4000-8000-00000000000b', '10.0.0.2', '2026-01-01', 2);
