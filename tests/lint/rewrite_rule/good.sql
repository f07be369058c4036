revoke delete on app.docs from app_user;

create view app.doc_names with (security_invoker = true) as select id from app.docs;
