create temporary table wanted (id bigint);
insert into app.docs (id, body) select p.id, p.body from wanted w join app.pages p on p.id = w.id;
insert into app.docs (id, body) select p.id, p.body from (values (1), (2)) as w (id) join app.pages p on p.id = w.id;
