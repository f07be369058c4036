set lock_timeout = '2s';
drop view app.doc_list;
alter table app.docs alter column body type text;
create view app.doc_list with (security_invoker = true) as select id, body from app.docs;
