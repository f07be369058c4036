create table app.fresh (
    id bigint primary key
);
drop table app.fresh;

create temporary table scratch (x integer);
drop table scratch;

create view app.v with (security_invoker = true) as select 1 as one;
drop view app.v;
