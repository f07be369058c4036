begin;
set local request.jwt.claims = '{"org":"2"}';
select 'CONTROL OK' where exists (select 1 from iot.device where label = 'own-B');
select 'LEAK: someone is at work on that device' where not iot.lock_device('SECRET-A reactor');
rollback;
