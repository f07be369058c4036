begin;
set local clinic.id = 'c22c0000-0000-4000-8000-00000000000b';
select case when exists (select 1 from patients where full_name = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
select 'LEAK: ' || title from questionnaires where title like '%SECRET-A%' limit 1;
rollback;
