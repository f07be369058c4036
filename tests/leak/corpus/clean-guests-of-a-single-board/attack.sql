begin;
set local request.jwt.claims = '{"sub":"0b0b0000-0000-4000-8000-0000000000b2","role":"tg_authenticated"}';
select case when exists (select 1 from cards where title = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
select 'LEAK: ' || title from cards where title like '%SECRET-A%' limit 1;select 'LEAK: ' || name from boards where name like '%SECRET-A%' limit 1;
rollback;
