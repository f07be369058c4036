create role courier_owner nologin bypassrls;
create role courier_api login;
create schema courier authorization courier_owner;
grant usage on schema courier to courier_api;
set role courier_owner;
create table courier.senders (
    id integer primary key,
    name text not null
);
create table courier.parcels (
    id bigint generated always as identity primary key,
    sender_id integer not null references courier.senders,
    recipient text not null,
    dimensions integer[] not null default '{1,1,1}' check (cardinality(dimensions) = 3)
);
create function courier.parcel(wanted bigint) returns courier.parcels
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select p from courier.parcels p where p.id = wanted;
end;
alter table courier.senders enable row level security, force row level security;
alter table courier.parcels enable row level security, force row level security;
create policy s on courier.senders for select to courier_api
    using (id = nullif(current_setting('courier.sender', true), '')::integer);
create policy p on courier.parcels to courier_api
    using (sender_id = nullif(current_setting('courier.sender', true), '')::integer);
grant select on courier.senders to courier_api;
grant select, insert (sender_id, recipient), update (recipient), delete on courier.parcels to courier_api;
insert into courier.senders values (1, 'Acme'), (2, 'Globex');
insert into courier.parcels (sender_id, recipient) values (1, 'SECRET recipient'), (2, 'own recipient');
