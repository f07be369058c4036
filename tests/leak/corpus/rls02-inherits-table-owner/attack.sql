begin;
set local ledger.book = '2';
select 'CONTROL OK' from ledger.entries where note = 'own entry';
select 'LEAK ' || note from ledger.entries where note like 'SECRET%';
rollback;
