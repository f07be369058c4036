begin;
set local render.tenant = '2';
select 'CONTROL OK' from render.jobs where payload ->> 'scene' = 'own scene';
select 'LEAK ' || (payload ->> 'scene') from render.claim() where tenant_id = 1;
rollback;
