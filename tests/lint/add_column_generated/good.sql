create table app.fresh (
    id   bigint primary key,
    size integer generated always as (1) stored
);
alter table app.fresh add column twice integer generated always as (2) stored;
