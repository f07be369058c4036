begin;
set local salon.id = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from salon.bookings where guest = 'own guest';
select 'LEAK ' || guest from salon.bookings where guest like 'SECRET%';
rollback;
