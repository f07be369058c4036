create table app.notes (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    due timestamptz(6)
);
