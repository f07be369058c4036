begin;
select hr.enter(2);
select 'CONTROL OK' from hr.salaries where employee = 'own employee';
commit;
begin;
select hr.enter(1);
commit;
select 'LEAK ' || employee from hr.salaries where employee like 'SECRET%';
