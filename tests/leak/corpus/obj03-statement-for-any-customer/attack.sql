begin;
set local bank.customer = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from bank.statement('b0000000-0000-4000-8000-00000000000b') where purpose = 'own purpose';
select 'LEAK ' || purpose from bank.statement('a0000000-0000-4000-8000-00000000000a');
rollback;
