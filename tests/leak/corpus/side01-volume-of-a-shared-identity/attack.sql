begin;
set local inv.tenant = '2';
select 'CONTROL OK' from inv.invoices having count(*) = 1;
select 'LEAK others wrote ' || last_value - 1 || ' invoices' from inv.invoices_number_seq where last_value > 1;
rollback;
