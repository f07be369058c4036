begin;
select 'CONTROL OK' from billing.accounts where iban = 'FR11';
select 'LEAK ' || iban from billing.accounts where tenant = 'acme';
rollback;
