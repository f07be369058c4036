-- dbkit: allow varchar_limit because that is another case
alter table app.lines alter column note type varchar(10); -- finding
alter table app.lines alter column id type integer; -- finding
alter table app.lines alter column amount type numeric(8, 2); -- finding
