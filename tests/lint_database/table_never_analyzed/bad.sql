-- finding: app.events
create schema app;
create table app.events (id bigint primary key);
insert into app.events select generate_series(1, 20000);
