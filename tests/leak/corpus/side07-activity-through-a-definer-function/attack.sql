begin;
set local ops.tenant = '2';
select 'CONTROL OK' from ops.checks where url = 'https://own.test';
select 'LEAK ' || query from ops.running() where query like '%SECRET%' and pid <> pg_backend_pid();
rollback;
