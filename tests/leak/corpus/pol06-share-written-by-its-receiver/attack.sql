begin;
set local sr.t = '2';
select 'CONTROL OK' from sr.parcels where code = 'own';
insert into sr.shares values (1, 1, 2);
select 'LEAK: read ' || code from sr.parcels where account_id = 1;
rollback;
