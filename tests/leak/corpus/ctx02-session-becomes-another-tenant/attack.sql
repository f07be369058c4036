begin;
select sec.open('globex', 'bob@globex.test');
select 'CONTROL OK' from desk.tickets where subject = 'own subject';
select sec.become('acme');
select 'LEAK ' || subject from desk.tickets where subject like 'SECRET%';
rollback;
