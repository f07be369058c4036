create schema app;
create table app.events (id bigint, kind text) partition by range (id);
create table app.events_1 partition of app.events for values from (0) to (10);
create index events_kind_idx on only app.events (kind);
create index concurrently events_1_kind_idx on app.events_1 (kind);
alter index app.events_kind_idx attach partition app.events_1_kind_idx;
