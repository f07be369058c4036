update app.docs set body = 'b' where id = 1;
update app.trees set leaf.a = 1, leaf.b = 2 where id = 1;
insert into app.docs (id, body) values (1, 'a') on conflict (id) do update set body = excluded.body;
