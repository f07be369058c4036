-- finding: app.events
-- finding: app.parts
create schema app;
create table app.events (at timestamptz, what text unique);
create table app.parts (at timestamptz) partition by range (at);
create table app.parts_1 partition of app.parts for values from ('2026-01-01') to ('2026-02-01');
