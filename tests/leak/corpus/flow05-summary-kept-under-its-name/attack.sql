begin;
set local crm.org = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from crm.deals where title = 'own deal';
select 'LEAK ' || t from crm.summary('pipeline') t where t like '%SECRET%';
rollback;
