begin;
set local studio.person = '200';
select 'CONTROL OK' from studio.recordings where title = 'own demo';
select 'LEAK ' || title from studio.recordings where title like 'SECRET%';
rollback;
