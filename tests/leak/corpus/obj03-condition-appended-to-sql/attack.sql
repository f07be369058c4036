begin;
set local fleet.company = 'GLOB';
select case when exists (select 1 from fleet.vehicles where label = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
select 'LEAK: ' || v from fleet.list_vehicles('true or true') v where v like 'SECRET-A%';
rollback;
