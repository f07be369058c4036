begin;
set local request.jwt.claims = '{"sub":"0b0b0000-0000-4000-8000-0000000000b2","role":"gt_authenticated","app_metadata":{"gym":"globex-fit"}}';
select case when exists (select 1 from members where full_name = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
set local request.jwt.claims = '{"sub":"0b0b0000-0000-4000-8000-0000000000b2","role":"gt_authenticated","app_metadata":{"gym":"iron-acme"}}';
select 'LEAK: ' || full_name from members where full_name like '%SECRET-A%' limit 1;
rollback;
