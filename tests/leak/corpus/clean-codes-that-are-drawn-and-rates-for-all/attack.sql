begin;
set local trip.agency = 'b0000000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from trip.bookings where place = 'own place';
select 'LEAK ' || place from trip.bookings where place like 'SECRET%';
select 'LEAK ' || n from trip.next_number() n where n <> 'B-1';
rollback;
