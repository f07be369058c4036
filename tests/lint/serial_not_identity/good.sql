create table app.notes (
    id bigint generated always as identity primary key,
    n  integer not null default 0
);
