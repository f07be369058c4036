begin;
set local grid.tenant = '2';
select 'CONTROL OK' from grid.page('name', true, '%') where name = 'own row';
select 'LEAK ' || name from grid.page('amount', false, ''' or true --') where tenant_id = 1;
select 'LEAK ' || name from grid.page('name', null, '%') where tenant_id = 1;
select 'LEAK ' || name from grid.page('name; select * from grid.rows', false, '%') where tenant_id = 1;
rollback;
