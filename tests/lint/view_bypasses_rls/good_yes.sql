create view app.members with (security_invoker = yes) as select tenant_id, id from app.accounts;
create view app.more_members with (security_invoker = on) as select tenant_id, id from app.accounts;
