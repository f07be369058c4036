begin;
set local search.tenant = '2';
select 'CONTROL OK' from search.contacts where phone = '+49 30 1';
select phone from search.contacts where search.normalize(phone) = '+49301';
rollback;
