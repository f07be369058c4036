create view app.all_docs with (security_invoker = true) as
    select id, body from app.docs;

create view app.some with (security_invoker = true) as
    with picked as (select id, body from app.docs)
    select * from picked;

create view app.counted with (security_invoker = true) as
    select count(*) as n from app.docs;
