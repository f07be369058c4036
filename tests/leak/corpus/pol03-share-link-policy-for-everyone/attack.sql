begin;
set local request.jwt.claims = '{"sub": "b0000000-0000-4000-8000-00000000000b", "role": "authenticated"}';
select 'CONTROL OK' from public.albums where title = 'own album';
select 'LEAK ' || title from public.albums where title like 'SECRET%';
rollback;
