create table app.notes (
    id   bigint generated always as identity primary key,
    body text
);

create table app.tags (
    id bigint not null
);
alter table app.tags add constraint tags_pkey primary key (id);

create temporary table scratch (x integer);

-- dbkit: allow partition_created_in_place because that is another case
create table app.events_2026 partition of app.events for values from ('2026-01-01') to ('2027-01-01');
