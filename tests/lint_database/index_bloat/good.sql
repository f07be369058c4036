create schema app;
create table app.events (id bigint primary key, kind text);
insert into app.events select n, 'kind' from generate_series(1, 600000) n;
create index events_kind_idx on app.events (kind);
create index events_upper_idx on app.events (upper(kind || id));
vacuum analyze app.events;
