create schema app;
create table app.events (id bigint primary key) with (autovacuum_freeze_max_age = 100000);
