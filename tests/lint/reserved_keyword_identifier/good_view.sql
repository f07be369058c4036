create view app.listed with (security_invoker = true) as select id, body as "content", id as name from app.docs;
