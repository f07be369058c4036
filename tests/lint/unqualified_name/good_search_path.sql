set local search_path = app;

create table notes (
    id bigint generated always as identity primary key
);
