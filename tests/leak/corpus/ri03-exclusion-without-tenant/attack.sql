begin;
set local rooms.tenant = '2';
select 'CONTROL OK' from rooms.bookings where room = 'own room';
with tried as (
    insert into rooms.bookings (tenant_id, room, during)
    values (2, 'board room', '[2026-01-01 10:30,2026-01-01 10:45)') on conflict do nothing returning 1
)
select 'LEAK their board room is taken' where not exists (select from tried);
rollback;
