create table app.notes (
    id bigint generated always as identity primary key,
    n  integer,
    check (n > 0) -- finding
);

alter table app.docs add check (id > 0) not valid; -- finding
