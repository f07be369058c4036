begin;
set local ts.plant = '2';
select 'CONTROL OK' from ts.values where tag = 'own';
select 'LEAK ' || tag from ts.values where tag = 'secret';
select 'LEAK ' || tag from ts.values_of_1;
rollback;
