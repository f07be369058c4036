create table app.colours (
    name text primary key
);

create type app.span as (a integer, b integer);
