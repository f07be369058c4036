alter table app.docs disable trigger user;
alter table app.docs disable trigger _500_notify;
set local session_replication_role = origin;
