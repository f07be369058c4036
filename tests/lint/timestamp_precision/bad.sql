create table app.notes (
    id bigint generated always as identity primary key,
    at timestamptz(0) not null, -- finding
    due time(3) -- finding
);
