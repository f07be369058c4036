begin;
set local stock.warehouse = '2';
select 'CONTROL OK' from stock.my_items where sku = 'OWN';
insert into stock.my_items values (1, 'PLANTED', 9);
set local stock.warehouse = '1';
select 'LEAK ' || sku from stock.my_items where sku = 'PLANTED';
rollback;
