select count(*) from app.docs where id <> all (array[1, 2]);
select count(*) from app.docs where id = all (select quantity from app.lines);
select count(*) from app.docs where id <> all (select id from app.lines);
select count(*) from app.docs where not (id in (1, 2)) and id in (select quantity from app.lines);
