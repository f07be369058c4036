begin;
set local pay.merchant = 'M0002';
select 'CONTROL OK' from pay.charges where reference = 'ch_bbbbbb';
rollback;
select 'LEAK ' || reference from pay.charges where merchant = 'M0001';
