begin;
set local parts.dealer = '2';
select 'CONTROL OK' from parts.search('own');
select 'LEAK ' || label from parts.search(''' or true --') where dealer_id = 1;
rollback;
