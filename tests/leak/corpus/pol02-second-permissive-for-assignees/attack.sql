begin;
set local request.jwt.claims = '{"company_id": 2}';
select 'CONTROL OK' from field.jobs where address = 'own address';
select 'LEAK ' || address from field.jobs where address like 'SECRET%';
rollback;
