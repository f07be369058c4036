update app.docs set body = 'a', body = 'b' where id = 1; -- finding
insert into app.docs (id, body, id) values (1, 'a', 2); -- finding
