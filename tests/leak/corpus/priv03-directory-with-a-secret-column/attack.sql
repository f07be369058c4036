begin;
set local dir.clinic = '2';
select 'CONTROL OK' from dir.clinics where name = 'Globex';
select 'LEAK ' || webhook_secret from dir.clinics where id = 1;
rollback;
