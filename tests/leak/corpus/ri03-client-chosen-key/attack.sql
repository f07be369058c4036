begin;
set local coupon.shop = '2';
select 'CONTROL OK' from coupon.coupons where code = 'OWN';
with tried as (insert into coupon.coupons values ('SUMMER', 2, 5) on conflict do nothing returning 1)
select 'LEAK another shop has SUMMER' where not exists (select from tried);
rollback;
