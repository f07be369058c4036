-- finding: app.events_pkey
create schema app;
create table app.events (id bigint primary key, kind text);
insert into app.events select n, 'a' from generate_series(1, 700000) n;
delete from app.events where id % 20 <> 0;
vacuum analyze app.events;
