begin;
set local request.jwt.claims = '{"sub": "b1000000-0000-4000-8000-000000000002"}';
select 'CONTROL OK' from public.projects where name = 'own project';
select 'LEAK ' || name from public.projects where name like 'SECRET%';
select 'LEAK membership' from public.organisation_members where user_id <> auth.uid();
rollback;
