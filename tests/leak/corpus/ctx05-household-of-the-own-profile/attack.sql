begin;
set local request.jwt.claims = '{"sub":"0b0b0000-0000-4000-8000-0000000000b2","role":"dh_authenticated"}';
select case when exists (select 1 from entries where title = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
update profiles set household = 1;
select 'LEAK: ' || item from budgets where item like '%SECRET-A%' limit 1;
rollback;
