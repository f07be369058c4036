alter table app.docs set unlogged; -- finding
alter table app.docs set tablespace fast; -- finding
