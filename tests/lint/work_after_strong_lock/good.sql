update app.orders set total = 0 where total is null;
alter table app.docs add column region text;
insert into app.docs (id, body) values (1, 'a');
