begin;
set local billing.tenant = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
select 'CONTROL OK' where exists (select 1 from billing.invoice where memo = 'own-B');
insert into billing.big_invoice (tenant_id, customer_id, number, total_cents, memo) values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', 'INV-9', 5000, 'forged');
set local billing.tenant = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
select 'LEAK: forged an invoice of the victim' from billing.invoice where memo = 'forged' and tenant_id = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
rollback;
