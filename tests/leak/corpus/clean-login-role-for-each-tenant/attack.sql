begin;
select 'CONTROL OK' from lab.orders where substance = 'own substance';
select 'LEAK ' || substance from lab.orders where substance like 'SECRET%';
select 'LEAK results of ' || customer_id from lab.results where customer_id = 1;
rollback;
set role lab_acme;
select 'LEAK ' || substance from lab.orders where substance like 'SECRET%';
