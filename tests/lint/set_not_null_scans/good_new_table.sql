create table app.fresh (
    id   bigint primary key,
    note text
);
alter table app.fresh alter column note set not null;
