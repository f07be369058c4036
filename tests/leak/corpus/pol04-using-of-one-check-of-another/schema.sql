create role agency_app login;
create schema agency;
grant usage on schema agency to agency_app;

create table agency.agencies (
    id bigint primary key,
    name text not null
);
create table agency.campaigns (
    agency_id bigint not null references agency.agencies,
    id bigint not null,
    status text not null default 'draft' check (status in ('draft', 'live', 'archived')),
    brief text not null,
    primary key (agency_id, id)
);
alter table agency.agencies enable row level security, force row level security;
alter table agency.campaigns enable row level security, force row level security;
create policy mine on agency.agencies for select to agency_app
    using (id = nullif(current_setting('agency.id', true), '')::bigint);
create policy read_own on agency.campaigns for select to agency_app
    using (agency_id = nullif(current_setting('agency.id', true), '')::bigint);
create policy add_own on agency.campaigns for insert to agency_app
    with check (agency_id = nullif(current_setting('agency.id', true), '')::bigint);
create policy edit_own on agency.campaigns for update to agency_app
    using (agency_id = nullif(current_setting('agency.id', true), '')::bigint);
-- "an archived campaign stays archived": nothing is updatable through it, yet its check counts for every update
create policy archive_once on agency.campaigns for update to agency_app
    using (false) with check (status = 'archived');
grant select on agency.agencies to agency_app;
grant select, insert, update on agency.campaigns to agency_app;

insert into agency.agencies values (1, 'Acme'), (2, 'Globex');
insert into agency.campaigns values (1, 1, 'live', 'theirs'), (2, 2, 'live', 'own brief');
