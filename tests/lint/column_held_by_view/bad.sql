set lock_timeout = '2s';
alter table app.docs alter column body type varchar(4000); -- finding
