alter table app.lines alter column note type text;
alter table app.lines alter column amount type numeric(14, 2);
