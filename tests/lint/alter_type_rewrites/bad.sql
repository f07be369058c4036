alter table app.lines alter column quantity type bigint; -- finding
alter table app.lines alter column at type timestamp using at at time zone 'utc'; -- finding
alter table elsewhere.unknown alter column x type bigint; -- finding
