alter table app.lines alter column note type text;
alter table app.lines alter column amount type numeric(14, 2);
alter table elsewhere.unknown alter column x type text;

create table app.fresh (
    id bigint primary key,
    n  integer
);
alter table app.fresh alter column n type bigint;
