create table app.events_2030 partition of app.events for values from ('2030-01-01') to ('2031-01-01');
grant select on all tables in schema app to app_user; -- finding
