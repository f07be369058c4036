-- finding: app.events
create schema app;
create table app.events (id bigint primary key, done boolean);
insert into app.events select n, false from generate_series(1, 20000) n;
update app.events set done = true;
analyze app.events;
