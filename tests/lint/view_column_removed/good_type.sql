create or replace view app.doc_list with (security_invoker = true) as
    select d.id, d.body::text as body, d.id::integer as short_id from app.docs as d;
create or replace view app.doc_list with (security_invoker = true) as
    select id::bigint as id, body, id::integer as short_id from app.docs;
create or replace view app.doc_list with (security_invoker = true) as
    select coalesce(id, 0) as id, lower(body) as body, id::integer as short_id from app.docs;
