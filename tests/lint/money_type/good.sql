create table app.notes (
    id bigint generated always as identity primary key,
    price    numeric(12, 2) not null,
    currency text not null
);
