begin;
set local request.jwt.claims = '{"sub":"b0b00000-0000-4000-8000-000000000002"}';
select 'CONTROL OK' where exists (select 1 from task where title = 'own-B');
do $$ begin perform accept_invite('11111111-1111-4111-8111-111111111111'); end $$;
select 'LEAK: ' || title from task where title like 'SECRET-A%';
rollback;
