begin;
set local edu.school = '8';
select case when exists (select 1 from edu.pupils where name = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
select 'LEAK: ' || name from edu.pupils where name like '%SECRET-A%' limit 1;
rollback;
