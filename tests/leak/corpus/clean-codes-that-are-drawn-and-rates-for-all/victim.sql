set trip.agency = 'a0000000-0000-4000-8000-00000000000a';
select trip.next_number();
select trip.invite();
select trip.rate('EUR');
