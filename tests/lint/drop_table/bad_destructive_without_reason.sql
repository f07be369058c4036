-- dbkit: destructive
drop table app.docs; -- finding
