begin;
set local shop.store_id = '7002';
select 'CONTROL OK' from shop.products where sku = 'OWN-1';
select 'LEAK ' || q from shop.recent_searches() q where q like 'SECRET%';
rollback;
