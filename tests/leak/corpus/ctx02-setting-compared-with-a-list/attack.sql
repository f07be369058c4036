begin;
set local shop.merchant_id = '2';
select 'CONTROL OK' from shop.orders where id = 22;
set local shop.maintenance = 'on';
select 'LEAK order of ' || total_cents from shop.orders where merchant_id = 1;
rollback;
