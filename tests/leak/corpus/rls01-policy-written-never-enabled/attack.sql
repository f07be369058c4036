begin;
set local clinic.practice = '20';
select 'CONTROL OK' from clinic.lab_results where finding = 'own finding';
select 'LEAK ' || finding from clinic.lab_results where finding like 'SECRET%';
rollback;
