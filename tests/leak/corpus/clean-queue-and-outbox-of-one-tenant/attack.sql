begin;
set local jobs.tenant = '2';
select 'CONTROL OK' from jobs.claim('mail') where payload ->> 'to' = 'own';
select 'LEAK ' || payload::text from jobs.claim('mail');
call jobs.finish('10000000-0000-4000-8000-000000000001');
set local jobs.tenant = '1';
select 'LEAK finished the job of another tenant' where not exists (select from jobs.queue);
rollback;
