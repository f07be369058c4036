create view app.doc_names with (security_invoker = true) as select id, body from app.docs;
create or replace view app.doc_names with (security_invoker = true) as
    select d.id, upper(d.body) as body, now() as at from app.docs d;

drop view app.doc_names;
create or replace view app.doc_names with (security_invoker = true) as select body from app.docs;
