begin;
set local files.account = 'globex';
select 'CONTROL OK' from files.docs where title = 'own title';
insert into files.shares values ('10000000-0000-4000-8000-000000000001', 'globex');
select 'LEAK ' || title from files.docs where title like 'SECRET%';
rollback;
