create table app.notes (
    id bigint generated always as identity primary key,
    price       double precision not null, -- finding
    "totalPaid" real -- finding
);

alter table app.orders alter column total type float8; -- finding
