begin;
select 'CONTROL OK' from bi.sales where product = 'own product';
set local bi.tenant = 'bi_acme';
select 'LEAK ' || product from bi.sales where product like 'SECRET%';
rollback;
