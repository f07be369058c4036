begin;
set local edu.school = '7';
select * from edu.cached_pupils();
commit;
begin;
set local edu.school = '8';
select case when exists (select 1 from edu.pupils where name = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
select 'LEAK: ' || c from edu.cached_pupils() c where c like 'SECRET-A%';
commit;
