create schema app;
create table app.events (id bigint, payload text);
insert into app.events select n, repeat('x', 200) from generate_series(1, 100000) n;
vacuum analyze app.events;
create table app.roomy (id bigint, payload text) with (fillfactor = 40);
insert into app.roomy select n, repeat('x', 200) from generate_series(1, 60000) n;
analyze app.roomy;
create table app.unknown (id bigint, payload text);
insert into app.unknown select n, repeat('x', 200) from generate_series(1, 60000) n;
