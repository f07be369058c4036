create role hotel_app login;
create schema hotel;
grant usage on schema hotel to hotel_app;
create table hotel.hotels (
    id text primary key,
    stars smallint not null check (stars between 1 and 5)
);
create table hotel.stays (
    hotel_id text not null references hotel.hotels,
    id bigint generated always as identity,
    nights integer not null check (nights > 0),
    rate numeric not null check (rate > 0),
    primary key (hotel_id, id)
);
alter table hotel.hotels enable row level security;
alter table hotel.stays enable row level security;
create policy h on hotel.hotels for select to hotel_app using (id = current_setting('hotel.id', true));
create policy s on hotel.stays to hotel_app using (hotel_id = current_setting('hotel.id', true));
grant select on hotel.hotels to hotel_app;
grant select, insert, update, delete on hotel.stays to hotel_app;
insert into hotel.hotels values ('acme', 3), ('globex', 3);
insert into hotel.stays (hotel_id, nights, rate) values ('acme', 2, 111), ('globex', 3, 99);
create materialized view hotel.revenue as
    select hotel_id, count(*) as stays, sum(nights * rate) as revenue from hotel.stays group by hotel_id;
create unique index on hotel.revenue (hotel_id);
grant select on hotel.revenue to hotel_app;
