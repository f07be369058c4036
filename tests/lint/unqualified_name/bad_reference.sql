create view app.doc_ids with (security_invoker = true) as -- finding
    select id from docs;
