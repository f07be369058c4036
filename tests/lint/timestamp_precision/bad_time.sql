create table app.shops (
    id bigint generated always as identity primary key,
    opens time(0) not null -- finding
);
