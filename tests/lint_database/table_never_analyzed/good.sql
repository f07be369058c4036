create schema app;
create table app.events (id bigint primary key);
insert into app.events select generate_series(1, 20000);
analyze app.events;
create table app.small (id bigint primary key);
insert into app.small select generate_series(1, 500);
