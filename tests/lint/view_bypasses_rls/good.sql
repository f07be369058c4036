create view app.account_list with (security_invoker = true) as select id, email from app.accounts;
create view app.on_later as select id from app.accounts;
alter view app.on_later set (security_invoker = on);
create view app.doc_bodies as select body from app.docs;
-- an inner view with security_invoker asks for the caller wherever it is used
create view app.outside as select id from app.account_list;
create temporary view mine as select id from app.accounts;
-- filters for itself, and lets nothing look first
create view app.filtered with (security_barrier = true) as
    select id from app.accounts where email <> '' and tenant_id = (select app.current_tenant());
-- a name from a with clause
create view app.named as with accounts as (select 1 as id) select id from accounts;
