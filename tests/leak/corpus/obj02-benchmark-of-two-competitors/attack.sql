begin;
set local hotel.id = 'globex';
select 'CONTROL OK' from hotel.stays where rate = 99;
select 'LEAK revenue ' || revenue from hotel.revenue where hotel_id = 'acme';
rollback;
