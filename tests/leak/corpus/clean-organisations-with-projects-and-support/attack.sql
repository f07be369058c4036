begin;
set local tw.claims = '{"sub": "b1000000-0000-4000-8000-000000000002"}';
select 'CONTROL OK' from tw.tasks where title = 'own';
select 'LEAK: read ' || path from tw.attachments where path = 'secret.pdf';
rollback;
