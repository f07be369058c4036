delete from app.docs where id < 10 and body not in (values ('a'), ('b'));
delete from app.docs where id < 10 and not (body = any (array['a', 'b']));
