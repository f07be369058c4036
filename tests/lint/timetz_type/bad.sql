create table app.notes (
    id bigint generated always as identity primary key,
    opens_at time with time zone not null, -- finding
    closes_at timetz -- finding
);
