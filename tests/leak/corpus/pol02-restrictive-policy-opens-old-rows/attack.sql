begin;
set local request.jwt.claims = '{"sub":"b0b00000-0000-4000-8000-000000000002"}';
select 'CONTROL OK' where exists (select 1 from task where title = 'own-B');
select 'LEAK: ' || body from note where body like 'SECRET-A old%';
rollback;
