-- finding: app.events_kind_idx
create schema app;
create table app.events (id bigint, kind text) partition by range (id);
create table app.events_1 partition of app.events for values from (0) to (10);
create index events_kind_idx on only app.events (kind);
