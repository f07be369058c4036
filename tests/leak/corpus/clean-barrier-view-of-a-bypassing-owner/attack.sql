begin;
set local dwh.k = 'globex';
select 'CONTROL OK' from dwh.my_orders where amt = 100;
select 'LEAK ' || amt from dwh.my_orders where k = 'acme';
rollback;
