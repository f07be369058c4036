begin;
set local ship.tenant = '2';
insert into ship.labels (tenant_id, reference) values (2, 'SECRET');
select 'CONTROL OK' from ship.labels having count(*) = 2;
select 'LEAK label of ' || tenant_id from ship.labels where tenant_id <> 2;
rollback;
