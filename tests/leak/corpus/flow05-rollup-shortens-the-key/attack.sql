begin;
set local edu.school = '8';
select case when exists (select 1 from edu.pupils where name = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
select 'LEAK: ' || worst_pupil from edu.daily_stats where worst_pupil like '%SECRET-A%' limit 1;
rollback;
