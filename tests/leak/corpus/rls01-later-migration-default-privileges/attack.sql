begin;
set local school.district = 'd2000000-0000-4000-8000-000000000002';
select 'CONTROL OK' from school.incident_reports where report = 'own report';
select 'LEAK ' || report from school.incident_reports where report like 'SECRET%';
rollback;
