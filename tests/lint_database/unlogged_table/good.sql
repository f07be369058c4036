create schema app;
create table app.cache (id bigint primary key);
create temporary table scratch (id bigint);
