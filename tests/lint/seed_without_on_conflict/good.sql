-- file: sql/seeds/development/tenants.sql
insert into app.tenants (id, name) values ('00000000-0000-0000-0000-000000000001', 'demo')
on conflict (id) do update set name = excluded.name;

insert into app.docs (id, body)
select 1, 'x' where not exists (select from app.docs where id = 1);
-- file: case.sql
insert into app.docs (id, body) values (1, 'x');
