begin;
set local stats.tenant = 'globex';
select 'CONTROL OK' from stats.my_months() where amount = 222;
select 'LEAK ' || amount from stats.my_months() where amount = 111;
select 'LEAK ' || amount from stats.monthly;
rollback;
