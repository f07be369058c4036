begin;
set local pa.path = '/globex/';
select 'CONTROL OK' from pa.docs where body = 'own';
select 'LEAK ' || body from pa.docs where body like 'SECRET%';
rollback;
