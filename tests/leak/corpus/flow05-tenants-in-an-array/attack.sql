begin;
set local inbox.firm = '2';
select 'CONTROL OK' from inbox.messages where subject = 'own subject';
select 'LEAK ' || subject from inbox.messages where subject like 'SECRET%';
rollback;
