create table app.readings (
    at timestamptz not null primary key
) partition by range (at);
create table app.readings_2030 partition of app.readings for values from ('2030-01-01') to ('2031-01-01');

create table app.events_2030 (like app.events including all);
alter table app.events attach partition app.events_2030 for values from ('2030-01-01') to ('2031-01-01');
