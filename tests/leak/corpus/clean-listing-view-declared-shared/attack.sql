begin;
set local shop.id = '32';
select case when exists (select 1 from api.sales where buyer = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
select 'LEAK: ' || title from api.listing where title like '%SECRET-A%' limit 1;select 'LEAK: ' || title from store.products where title like '%SECRET-A%' limit 1;
rollback;
