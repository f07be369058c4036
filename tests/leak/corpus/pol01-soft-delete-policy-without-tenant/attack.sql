begin;
set local crm.organization = '0b000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from crm.people where email = 'own@globex.test';
select 'LEAK ' || email from crm.people where email like '%@acme.test';
rollback;
