begin;
set local so.t = '2';
select 'CONTROL OK' from so.parcels where code = 'own';
select 'LEAK: read ' || code from so.parcels where account_id = 1;
rollback;
