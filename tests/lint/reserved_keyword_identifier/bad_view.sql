create view app.listed with (security_invoker = true) as select id, body as "order" from app.docs; -- finding
create view app.named ("limit") with (security_invoker = true) as select id from app.docs; -- finding
