begin;
set local shopcat.shop = '2';
select 'CONTROL OK' from shopcat.price_list where sku = 'own';
select 'LEAK ' || sku from shopcat.price_list where sku = 'SECRET';
rollback;
