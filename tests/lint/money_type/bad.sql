create table app.notes (
    id bigint generated always as identity primary key,
    price money not null, -- finding
    fees money[] -- finding
);
