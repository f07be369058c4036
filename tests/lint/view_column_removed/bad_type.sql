create or replace view app.doc_list with (security_invoker = true) as select id::integer as id, body from app.docs; -- finding
