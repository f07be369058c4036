begin;
set local shop.id = 'glbx';
select 'CONTROL OK' from shop.orders where memo = 'own order';
update shop.orders set shop_id = 'acme';
set local shop.id = 'acme';
select 'LEAK planted ' || memo from shop.orders where memo = 'own order';
rollback;
