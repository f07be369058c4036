begin;
set local request.jwt.claims = '{"sub": "b0000000-0000-4000-8000-00000000000b"}';
select 'CONTROL OK' from pages where content = 'own page';
select 'LEAK ' || content from pages where content like 'SECRET%';
rollback;
