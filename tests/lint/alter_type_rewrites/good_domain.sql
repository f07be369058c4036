drop view app.doc_list;
alter table app.docs alter column body type app.email using body::text;
create table app.mails (id bigint primary key);
alter table app.accounts alter column email type app.email;
