begin;
set local request.jwt.claims = '{"sub":"b0b00000-0000-4000-8000-000000000002","role":"ch_user"}';
select 'CONTROL OK' where exists (select 1 from chat.message where body = 'own-B');
select 'LEAK: an expired guest reads ' || body from chat.message where body like 'SECRET-A%';
rollback;
