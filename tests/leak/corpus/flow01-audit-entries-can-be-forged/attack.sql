begin;
set local consent.tenant = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from consent.consents where person = 'own person';
select 'LEAK ' || (after ->> 'person') from consent.history where after ->> 'person' like 'SECRET%';
rollback;
