create table app.fresh (
    id bigint primary key
);
alter table app.fresh add column number bigint generated always as identity;

alter table app.docs add column number bigint;
