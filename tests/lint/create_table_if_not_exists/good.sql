create table app.titles (
    id    bigint primary key,
    title text
);

create temporary table if not exists scratch (x integer);

create schema if not exists app;
