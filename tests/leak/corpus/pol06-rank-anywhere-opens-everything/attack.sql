begin;
set local request.jwt.claims = '{"sub": "d2000000-0000-4000-8000-000000000002"}';
select 'CONTROL OK' from contracts where terms = 'own terms';
select 'LEAK ' || terms from contracts where terms like 'SECRET%';
rollback;
