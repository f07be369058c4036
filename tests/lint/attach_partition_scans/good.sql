create table app.events_2027 (like app.events including all);
alter table app.events attach partition app.events_2027 for values from ('2027-01-01') to ('2028-01-01');
