begin;
set local request.jwt.claims = '{"org":"1"}';
select iot.lock_device('SECRET-A reactor');
