-- dbkit: destructive nothing reads it since release 41
drop table app.docs;
