create role events_etl login bypassrls;
create role events_jobs nologin noinherit in role events_etl;
create role events_app login noinherit in role events_jobs;
create schema events;
grant usage on schema events to events_app, events_etl;

create table events.organizers (
    id smallint primary key,
    name text not null
);
create table events.guests (
    organizer_id smallint not null references events.organizers,
    event_no integer not null,
    email text not null check (email like '%_@_%'),
    primary key (organizer_id, event_no, email)
);
alter table events.organizers enable row level security, force row level security;
alter table events.guests enable row level security, force row level security;
create policy o on events.organizers for select
    using (id = nullif(current_setting('events.organizer', true), '')::smallint);
create policy g on events.guests
    using (organizer_id = nullif(current_setting('events.organizer', true), '')::smallint);
grant select on events.organizers to events_app;
grant select, insert, update, delete on events.guests to events_app;
grant select on events.guests to events_etl;

insert into events.organizers values (1, 'Acme'), (2, 'Globex');
insert into events.guests values (1, 1, 'secret@acme.test'), (2, 1, 'own@globex.test');
