create table app.notes (
    id bigint generated always as identity primary key,
    n  smallint not null
);
