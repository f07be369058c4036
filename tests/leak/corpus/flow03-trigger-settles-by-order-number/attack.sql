begin;
set local sh.t = 'b2000000-0000-4000-8000-000000000002';
insert into sh.payments (t, order_number) values ('b2000000-0000-4000-8000-000000000002', 1);
select 'CONTROL OK' from sh.orders where paid;
set local sh.t = 'a1000000-0000-4000-8000-000000000001';
select 'LEAK order ' || number || ' of another tenant counts as paid' from sh.orders where paid;
rollback;
