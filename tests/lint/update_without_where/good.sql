update app.docs set body = '' where id between 1 and 1000;

create temporary table scratch (x integer);
update scratch set x = 1;

insert into app.docs (id, body) values (1, 'a')
on conflict (id) do update set body = excluded.body;

select id from app.docs for update;
