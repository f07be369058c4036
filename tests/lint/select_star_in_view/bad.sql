create view app.all_docs with (security_invoker = true) as -- finding
    select * from app.docs;

create view app.more with (security_invoker = true) as -- finding
    select d.*, now() as at from app.docs d join app.tenants t on true;
