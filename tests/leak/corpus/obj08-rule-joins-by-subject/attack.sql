begin;
set local edu.school = '8';
select case when exists (select 1 from edu.pupils where name = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
insert into edu.reviews (school_id, subject) values (8, 'maths');
select 'LEAK: ' || remark from edu.mark_log where remark like '%SECRET-A%' limit 1;
rollback;
