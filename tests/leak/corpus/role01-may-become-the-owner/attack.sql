begin;
set local events.organizer = '2';
select 'CONTROL OK' from events.guests where email = 'own@globex.test';
set local role events_etl;
select 'LEAK ' || email from events.guests where email = 'secret@acme.test';
rollback;
