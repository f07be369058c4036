begin;
set local billing.tenant = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
select 'CONTROL OK' where exists (select 1 from billing.invoice where memo = 'own-B');
set local billing.tenant = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
do $$ begin perform billing.dashboard('2026-01'); end $$;
set local billing.tenant = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
select 'LEAK: ' || d::text from billing.dashboard('2026-01') d where d::text like '%SECRET-A%';
rollback;
