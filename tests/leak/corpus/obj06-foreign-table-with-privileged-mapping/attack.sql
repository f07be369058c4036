begin;
set local crm.account = '2';
select 'CONTROL OK' from crm.deals where title = 'own deal';
select 'LEAK ' || title from remote.deals where title like 'SECRET%';
rollback;
