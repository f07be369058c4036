delete from app.orders
where account_id not in (select id from app.accounts);

delete from app.orders
where account_id not in (select account_id from app.events where account_id is not null);

delete from app.orders o
where not exists (select from app.events e where e.account_id = o.account_id);

delete from app.docs where id not in (1, 2);
