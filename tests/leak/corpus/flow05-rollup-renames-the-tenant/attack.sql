begin;
set local ads.advertiser = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from ads.daily_spend where spend = 222;
select 'LEAK spend ' || spend from ads.daily_spend where spend = 111;
rollback;
