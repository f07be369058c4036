insert into app.docs (id, body) select l.id, p.body from app.lines l join app.pages p on p.id = l.id; -- finding
insert into app.docs (id, body) select id, body from app.pages where true; -- finding
