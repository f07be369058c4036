-- migrate:up transaction:false
set search_path = app;
alter table app.docs set (fillfactor = 90);
reset search_path;
