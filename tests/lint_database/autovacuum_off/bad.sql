-- finding: app.events
create schema app;
create table app.events (id bigint primary key) with (autovacuum_enabled = off);
