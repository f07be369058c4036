begin;
set local fleet.company = 'GLOB';
select case when exists (select 1 from fleet.vehicles where label = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
insert into fleet.trips values ('GLOB', 1, 99, 'me', 777);
set local fleet.company = 'ACME';
select 'LEAK: kilometres of the victim changed' from fleet.vehicles where total_km >= 777;
rollback;
