begin;
set local request.jwt.claims = '{"sub": "b0000000-0000-4000-8000-00000000000b"}';
select 'CONTROL OK' where public.complete_all() = 1;
select 'LEAK ' || username from public.profiles where username like 'SECRET%';
select 'LEAK ' || task from public.todos where task like 'SECRET%';
rollback;
