begin;
set local mk.party = 'b2000000-0000-4000-8000-000000000002';
select 'CONTROL OK' from mk.deals where price = 7;
select 'LEAK a price of ' || price from mk.deals where price <> 7;
update mk.deals set price = 1 where price = 7;
select 'LEAK the buyer sets the price' from mk.deals where price = 1;
rollback;
