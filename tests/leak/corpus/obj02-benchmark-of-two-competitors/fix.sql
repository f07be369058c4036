revoke select on hotel.revenue from hotel_app;
create view hotel.my_revenue with (security_barrier = true) as
    select * from hotel.revenue where hotel_id = current_setting('hotel.id', true);
grant select on hotel.my_revenue to hotel_app;
