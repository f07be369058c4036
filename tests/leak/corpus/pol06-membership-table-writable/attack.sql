begin;
set local request.jwt.claim.sub = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from public.boards where title = 'own board';
insert into public.team_members values (1, 'b0000000-0000-4000-8000-00000000000b');
select 'LEAK ' || title from public.boards where title like 'SECRET%';
rollback;
