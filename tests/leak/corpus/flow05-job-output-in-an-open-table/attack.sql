begin;
set local request.jwt.claims = '{"org":"2"}';
select 'CONTROL OK' where exists (select 1 from iot.device where label = 'own-B');
select 'LEAK: ' || output from iot.task_run where output like '%SECRET-A%';
rollback;
