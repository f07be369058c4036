begin;
set local pl.customer = '2';
select 'CONTROL OK' from pl.tickets where text = 'own text';
select 'LEAK ' || text from pl.tickets where text like 'SECRET%';
rollback;
