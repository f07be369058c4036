create table app.orders_kept (
    id   bigint generated always as identity primary key,
    name text,
    type text,
    date date
);
