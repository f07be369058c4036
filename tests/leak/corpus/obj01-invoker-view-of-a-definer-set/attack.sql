begin;
set local billing.tenant = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
select 'CONTROL OK' where exists (select 1 from billing.invoice where memo = 'own-B');
select 'LEAK: ' || memo from billing.dunning where memo like 'SECRET-A%';
rollback;
