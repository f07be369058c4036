begin;
set local request.jwt.claims = '{"sub": "b1000000-0000-4000-8000-000000000002"}';
select 'CONTROL OK' from public.invoices where number = 2;
update public.profiles set organization_id = 'aa000000-0000-4000-8000-000000000001' where user_id = auth.uid();
select 'LEAK invoice ' || number from public.invoices where number = 1;
rollback;
