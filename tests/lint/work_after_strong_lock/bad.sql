alter table app.docs add column region text;
update app.orders set total = 0 where total is null; -- finding
