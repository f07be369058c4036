begin;
set local request.jwt.claims = '{"sub": "b0000000-0000-4000-8000-00000000000b"}';
select 'CONTROL OK' from entries where body = 'own entry';
update entries set diary_id = '20000000-0000-4000-8000-000000000002';
select 'LEAK ' || body from entries where body like 'SECRET%';
rollback;
