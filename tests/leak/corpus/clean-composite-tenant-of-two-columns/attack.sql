begin;
set local region.region = 'us';
set local region.code = 'globex';
select 'CONTROL OK' from region.sites where name = 'own site';
select 'LEAK ' || name from region.sites where name like 'SECRET%';
select 'LEAK a meter of ' || tenant_id from region.meters where tenant_id <> 'us-globex';
rollback;
