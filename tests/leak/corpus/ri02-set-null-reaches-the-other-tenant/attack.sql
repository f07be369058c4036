begin;
set local fleet.depot = '2';
select 'CONTROL OK' from fleet.vehicles where plate = 'B 2';
delete from fleet.drivers where name = 'own driver';
set local fleet.depot = '1';
select 'LEAK changed ' || plate from fleet.vehicles where plate = 'A 1' and driver_id is null;
rollback;
