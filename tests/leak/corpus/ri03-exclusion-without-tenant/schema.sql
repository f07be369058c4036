create role rooms_api login;
create schema rooms;
create extension btree_gist schema public;
grant usage on schema rooms to rooms_api;
create table rooms.tenants (
    id integer primary key
);
create table rooms.bookings (
    tenant_id integer not null references rooms.tenants,
    id uuid not null default gen_random_uuid(),
    room text not null,
    during tstzrange not null check (not isempty(during)),
    primary key (tenant_id, id),
    constraint bookings_overlap exclude using gist (room with =, during with &&)
);
alter table rooms.tenants enable row level security;
alter table rooms.bookings enable row level security;
create policy t on rooms.tenants for select to rooms_api
    using (id = nullif(current_setting('rooms.tenant', true), '')::integer);
create policy b on rooms.bookings to rooms_api
    using (tenant_id = nullif(current_setting('rooms.tenant', true), '')::integer);
grant select on rooms.tenants to rooms_api;
grant select, insert, delete on rooms.bookings to rooms_api;
insert into rooms.tenants values (1), (2);
insert into rooms.bookings (tenant_id, room, during) values
    (1, 'board room', '[2026-01-01 10:00,2026-01-01 11:00)'), (2, 'own room', '[2026-01-01 10:00,2026-01-01 11:00)');
