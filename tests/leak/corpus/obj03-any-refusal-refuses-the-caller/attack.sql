begin;
set local geo.customer = '2';
select 'CONTROL OK' from geo.places where name = 'own place';
select 'LEAK refused for what another customer asked' where not geo.allow('route');
rollback;
