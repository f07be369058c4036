insert into app.docs (id, body) select id, body from app.docs where false;

insert into app.docs (id, body) select * from (values (1, 'a')) as v;
