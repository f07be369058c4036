begin;
set local hr.company = 'globex';
select 'CONTROL OK' where exists (select 1 from hr.employee where full_name = 'own-B');
select 'LEAK: the victim''s director earns ' || hr.benchmark(2) where hr.benchmark(2) = 19999;
rollback;
