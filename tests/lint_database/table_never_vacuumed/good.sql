create schema app;
create table app.events (id bigint primary key, done boolean);
insert into app.events select n, false from generate_series(1, 20000) n;
update app.events set done = true;
vacuum analyze app.events;
create table app.few (id bigint primary key, done boolean);
insert into app.few select n, false from generate_series(1, 30000) n;
update app.few set done = true where id < 3000;
analyze app.few;
