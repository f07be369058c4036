begin;
set local price.tenant = '2';
insert into price.changes values (2, 'B-1', 21);
select 'CONTROL OK' from price.articles where price = 21;
insert into price.changes values (2, 'A-1', 0);
set local price.tenant = '1';
select 'LEAK changed the price of ' || code from price.articles where price = 0;
rollback;
