begin;
set local request.jwt.claims = '{"org":"2"}';
select 'CONTROL OK' where exists (select 1 from iot.device where label = 'own-B');
do $$ begin perform iot.count_messages(5); end $$;
select 'LEAK: ' || messages from iot.usage where org_id = 1;
rollback;
