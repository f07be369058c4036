-- finding: app.events
create schema app;
create table app.events (id bigint, payload text);
insert into app.events select n, repeat('x', 200) from generate_series(1, 100000) n;
delete from app.events where id % 10 <> 0;
vacuum analyze app.events;
