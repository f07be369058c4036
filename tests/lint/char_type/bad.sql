create table app.notes (
    id bigint generated always as identity primary key,
    country char(2) not null, -- finding
    flag    char -- finding
);
