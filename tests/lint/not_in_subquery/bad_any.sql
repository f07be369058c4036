delete from app.docs
where not (body = any (select o.account_id::text from app.orders as o)); -- finding
