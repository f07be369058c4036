create view app.doc_names with (security_invoker = true) as select id, body from app.docs;
create or replace view app.doc_names with (security_invoker = true) as select body, id from app.docs; -- finding

create view app.named (a, b) with (security_invoker = true) as select id, body from app.docs;
create or replace view app.named with (security_invoker = true) as select id as a from app.docs; -- finding
