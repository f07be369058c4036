begin;
set local an.me = 'b0000000-0000-4000-8000-000000000002';
select 'CONTROL OK' from an.files where name = 'own';
delete from an.profiles;
insert into an.profiles values ('b0000000-0000-4000-8000-000000000002', 1);
select 'LEAK: read ' || name from an.files where team_id = 1;
rollback;
