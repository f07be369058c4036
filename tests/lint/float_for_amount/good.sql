create table app.notes (
    id bigint generated always as identity primary key,
    price    numeric(12, 2) not null,
    latitude double precision,
    tax_rate real,
    currency text not null
);
