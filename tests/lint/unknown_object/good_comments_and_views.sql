comment on column app.docs.body is 'the text';
drop view if exists app.document_list;
create view app.document_ids with (security_invoker = true) as select id from app.docs;
comment on column app.document_ids.id is 'the key';
drop view app.document_ids;
