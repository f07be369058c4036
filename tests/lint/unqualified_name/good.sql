create table app.notes (
    id bigint generated always as identity primary key
);

create temporary table scratch (x integer);
create index on scratch (x);
