begin;
set local clinic.practice = '2';
select 'CONTROL OK' where exists (select 1 from patient where full_name = 'own-B');
insert into lab_result (visit_id, finding) values ('11111111-1111-4111-8111-111111111111', 'forged finding');
set local clinic.practice = '1';
select 'LEAK: forged in the victim''s record' from lab_result where finding = 'forged finding';
rollback;
