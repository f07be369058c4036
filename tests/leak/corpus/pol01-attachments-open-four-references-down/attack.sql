begin;
set local ta.claims = '{"sub": "b1000000-0000-4000-8000-000000000002"}';
select 'CONTROL OK' from ta.tasks where title = 'own';
select 'LEAK: read ' || path from ta.attachments where path = 'secret.pdf';
rollback;
