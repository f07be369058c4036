begin;
set local crew.yard = '2';
select 'CONTROL OK' from crew.shifts where worker = 'own worker';
select 'LEAK ' || worker from crew.shifts where worker like 'SECRET%';
rollback;
set role crew_loader;
select 'LEAK ' || worker from crew.shifts where worker like 'SECRET%';
select 'LEAK ' || line from crew_private.staging;
select 'LEAK ' || worker from crew_private.all_shifts() where worker like 'SECRET%';
