begin;
set local market.company = '2';
select 'CONTROL OK' from market.quotes where remark = 'own quote';
select 'LEAK ' || remark from market.quotes where remark like 'SECRET%';
rollback;
