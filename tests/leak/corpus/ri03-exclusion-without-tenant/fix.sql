alter table rooms.bookings
    drop constraint bookings_overlap,
    add constraint bookings_overlap exclude using gist (tenant_id with =, room with =, during with &&);
