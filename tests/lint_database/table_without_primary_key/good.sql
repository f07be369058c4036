create schema app;
create table app.events (id bigint primary key, at timestamptz);
create table app.parts (at timestamptz primary key) partition by range (at);
create table app.parts_1 partition of app.parts for values from ('2026-01-01') to ('2026-02-01');
create schema extensions;
create extension hstore with schema extensions;
