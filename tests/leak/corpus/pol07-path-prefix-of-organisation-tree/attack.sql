begin;
set local gw.organisation = 'north';
select 'CONTROL OK' from gw.minutes where text = 'own minutes';
select 'LEAK ' || text from gw.minutes where text like 'SECRET%';
rollback;
