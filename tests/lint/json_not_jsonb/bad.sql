create table app.notes (
    id bigint generated always as identity primary key,
    payload json not null -- finding
);

alter table app.docs add column meta json; -- finding
