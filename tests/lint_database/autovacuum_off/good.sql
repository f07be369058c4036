create schema app;
create table app.events (id bigint primary key) with (autovacuum_enabled = on, autovacuum_vacuum_threshold = 10);
