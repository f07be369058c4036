begin;
set local mill.tenant = '2';
insert into mill.payments values (2, 1, 1, 50);
select 'CONTROL OK' from mill.orders where item = 'own item' and paid = 50;
set local mill.tenant = '1';
select 'LEAK changed the order of ' || item from mill.orders where paid = 50;
rollback;
