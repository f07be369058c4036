create table app.fresh (
    id bigint primary key
);
truncate app.fresh;

create temporary table scratch (x integer);
truncate scratch;
