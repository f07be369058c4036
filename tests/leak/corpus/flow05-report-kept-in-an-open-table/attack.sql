begin;
set local fleet.company = 'GLOB';
select case when exists (select 1 from fleet.vehicles where label = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
select 'LEAK: ' || output from fleet.job_runs where output like '%SECRET-A%' limit 1;
rollback;
